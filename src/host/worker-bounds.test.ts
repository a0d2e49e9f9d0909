import { expect, it } from "vitest";
import { startWorker, workersLoadModules } from "#host";

/** How a worker ends. */
const endOf = (source: string, maxHeapBytes?: number): Promise<string> =>
  new Promise((resolve) => {
    const worker = startWorker(
      source,
      (value) => {
        resolve(JSON.stringify(value));
        void worker.terminate();
      },
      (error) => resolve(error.message),
      { maxHeapBytes },
    );
    worker.ref();
  });

it("ends a worker, and no more than it, whose objects take too much", async () => {
  const endless = "const all = []; for (;;) all.push(new Array(1000).fill(all.length));";
  expect(await endOf(endless, 32 * 2 ** 20)).toMatch(
    /^worker: must run until it is terminated, got .*memory/,
  );
});

it("lets it have less, and buffers beside it", async () => {
  const source = "const all = new Uint8Array(1e8).fill(1); send(all.length);";
  expect(await endOf(source, 32 * 2 ** 20)).toBe("100000000");
});

it("lets a worker load modules by their URL", async () => {
  expect(workersLoadModules()).toBe(true);
  const url = "data:text/javascript,export const one = 1;";
  expect(await endOf(`import(${JSON.stringify(url)}).then(({ one }) => send(one))`)).toBe("1");
});
