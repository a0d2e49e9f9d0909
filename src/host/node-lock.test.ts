import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../base/errors.ts";
import { lockFile } from "./node.ts";

let folder = "";
let path = "";
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "antler-lock-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  path = join(folder, `lock-${count++}`);
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** The text of a lock that was held by a process with this number. */
const heldBy = (pid: number, machine = hostname()) => JSON.stringify({ pid, machine, token: "x" });
// More than any system gives a process.
const deadPid = 2 ** 30;

describe("lockFile", () => {
  it("is held by one at a time, and gone when it is given back", async () => {
    let holders = 0;
    let most = 0;
    const work = async () => {
      const lock = await lockFile(path);
      most = Math.max(most, ++holders);
      await pause(5);
      holders--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(most).toBe(1);
    expect((await readdir(folder)).filter((name) => path.endsWith(name))).toEqual([]);
  });

  it("tells once that it waits", async () => {
    const lock = await lockFile(path);
    let told = 0;
    const second = lockFile(path, { onWait: () => told++ });
    await pause(150);
    expect(told).toBe(1);
    await lock.release();
    await (await second).release();
    let isTold = false;
    await (await lockFile(path, { onWait: () => (isTold = true) })).release();
    expect(isTold).toBe(false);
  });

  it("tells that another process holds it once that has shown that it lives", async () => {
    for (const pid of [process.pid, process.ppid]) {
      const from = `${path}-${pid}`;
      await writeFile(from, heldBy(pid));
      let told = 0;
      let waits = 0;
      const onWait = () => waits++;
      const second = lockFile(from, { onWait, onHeld: () => told++, staleMilliseconds: 1000 });
      await pause(200);
      expect([waits, told]).toEqual([1, 0]);
      await utimes(from, new Date(), new Date());
      await pause(200);
      expect([waits, told]).toEqual([1, 1]);
      await (await second).release();
    }
    // One that is no more: its number, here that of this process, says nothing.
    await writeFile(path, heldBy(process.pid));
    const onHeld = () => expect.unreachable();
    await (await lockFile(path, { onHeld, staleMilliseconds: 300 })).release();
  });

  it("is taken from a dead process at once, by one of many", async () => {
    for (let i = 0; i < 10; i++) {
      const from = `${path}-${i}`;
      await writeFile(from, heldBy(deadPid));
      let holders = 0;
      const start = performance.now();
      const locks = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const controller = new AbortController();
          const { signal } = controller;
          setTimeout(() => controller.abort(), 100);
          const lock = await lockFile(from, { signal }).catch(() => undefined);
          if (lock) expect(++holders).toBe(1);
          if (lock && holders === 1) expect(performance.now() - start).toBeLessThan(1000);
          return lock;
        }),
      );
      expect(locks.filter(Boolean)).toHaveLength(1);
      for (const lock of locks) await lock?.release();
    }
  });

  it("is taken over although one died while it took it over", async () => {
    await writeFile(path, heldBy(deadPid));
    await writeFile(`${path}.takeover`, heldBy(deadPid));
    await (await lockFile(path)).release();
    const left = (await readdir(folder)).filter((name) => name.startsWith(basename(path)));
    expect(left).toEqual([]);
  });

  it.each([
    ["another machine's", heldBy(deadPid, "elsewhere")],
    ["a living one's", heldBy(process.pid)],
    ["an unreadable one", ""],
  ])("is taken when there is no sign of life: %s", async (_, text) => {
    await writeFile(path, text);
    const start = performance.now();
    const lock = await lockFile(path, { staleMilliseconds: 200 });
    expect(performance.now() - start).toBeGreaterThan(190);
    await lock.release();
  });

  it("is taken soon from one that was killed before it wrote its name", async () => {
    await writeFile(path, "");
    const start = performance.now();
    await (await lockFile(path)).release();
    expect(performance.now() - start).toBeLessThan(10_000); // Others are dead after 20 s only.
  });

  it("is kept by signs of life", async () => {
    const lock = await lockFile(path, { staleMilliseconds: 400 });
    const controller = new AbortController();
    const options = { staleMilliseconds: 400, signal: controller.signal };
    const second = lockFile(path, options).catch((error: unknown) => error);
    await pause(900);
    controller.abort();
    expect(await second).toBe(controller.signal.reason);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
  });

  it("tells a holder that it has lost it, and does not give back another's", async () => {
    const lock = await lockFile(path, { staleMilliseconds: 400 });
    await writeFile(path, heldBy(deadPid, "elsewhere"));
    await new Promise((resolve) => lock.lost.addEventListener("abort", resolve));
    await lock.release();
    expect(await readFile(path, "utf8")).toBe(heldBy(deadPid, "elsewhere"));
  });

  it("ends waiting by a signal, at once", async () => {
    const lock = await lockFile(path);
    const signal = AbortSignal.timeout(20);
    const start = performance.now();
    const error = await lockFile(path, { signal }).catch((error: unknown) => error);
    expect(error).toBe(signal.reason);
    expect(performance.now() - start).toBeLessThan(2000);
    await lock.release();
  });

  it("rejects where no file can be made", async () => {
    const attempt = lockFile(join(folder, "nowhere", "lock"));
    await expect(attempt).rejects.toThrow("must be a writable file, got no such file or folder.");
    await expect(attempt).rejects.toThrow(DataError);
  });
});
