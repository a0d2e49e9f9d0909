/** The functions that the tests call in a page by name. It imports types only. */
import type { Host } from "../../src/host/host.ts";
import type * as Antler from "../../src/index.ts";
import { type Formats, readBroken, writeAndRead } from "./files.ts";
import { abort, attempt, fitSmall, mistakes, rob, saveAndLoad } from "./small.ts";
import { type Library, type Setting, train } from "./training.ts";

export type Actions = ReturnType<typeof actionsOf>;

export const actionsOf = (antler: Library, host: Host, formats: Formats) => ({
  train: (setting: Setting) => train(antler, setting),
  fitSmall: (options: Antler.EngineOptions) => fitSmall(antler, options),
  saveAndLoad: (options: Antler.EngineOptions) => saveAndLoad(antler, options),
  abort: (options: Antler.EngineOptions) => abort(antler, options),
  mistakes: (options: Antler.EngineOptions) => mistakes(antler, options),
  rob: (options: Antler.EngineOptions) => rob(antler, options),
  attemptSmall: (options: Antler.EngineOptions) => attempt(() => fitSmall(antler, options)),
  writeAndRead: () => writeAndRead(formats),
  readBroken: (bytes: readonly number[], milliseconds: number) =>
    readBroken(formats, bytes, milliseconds),
  layerNames: () => layerNames(antler),
  facts: () => facts(host),
  worker: (source: string, message?: unknown) => worker(host, source, message),
  endlessLoopEnds: () => endlessLoopEnds(host),
});

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The layers' classes, each with the name that paths have: it must outlive a minifier. */
function layerNames({ layers }: Library): [exported: string, className: string][] {
  const isClass = (value: unknown): value is typeof Antler.Layer =>
    typeof value === "function" && "className" in value;
  return Object.entries(layers).flatMap(([name, value]) =>
    isClass(value)
      ? [[name, Object.hasOwn(value, "className") ? value.className : value.name]]
      : [],
  );
}

/** What the host says of itself. */
async function facts(host: Host) {
  const abc = Uint8Array.of(0, 97, 98, 99).subarray(1);
  const before = host.now();
  await sleep(20);
  const elapsed = host.now() - before;
  const shared = host.sharedMemoryAvailable();
  return {
    shared,
    processors: host.cpuCount(),
    memory: host.memoryAvailable() ?? "unknown",
    environment: host.environment("PATH") ?? "unknown",
    hashes: await Promise.all(
      [abc, ...(shared ? [sharedCopy(abc)] : [])].map((bytes) => host.sha256(bytes).catch(String)),
    ),
    elapsed,
    sinceStart: host.now() - host.processStart(),
    sinceNavigation: Date.now() - performance.timeOrigin,
    file: await attempt(() => host.readFile("a")),
  };
}

function sharedCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** Starts a worker, sends it a message, and tells all that comes back until 50 ms after the first. */
async function worker(host: Host, source: string, message?: unknown): Promise<string[]> {
  const heard: string[] = [];
  let wake: () => void = () => {};
  const something = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const hear = (text: string) => {
    heard.push(text);
    wake();
  };
  const started = host.startWorker(
    source,
    (value) => hear(JSON.stringify(value)),
    (error) => hear(String(error)),
  );
  if (message !== undefined) started.post(message);
  await Promise.race([something, sleep(5000)]);
  await sleep(50);
  await started.terminate();
  heard.push(await attempt(() => started.post("too late")));
  return heard;
}

/** Whether a worker that counts in shared memory stops when it is ended. */
async function endlessLoopEnds(host: Host): Promise<boolean> {
  const cells = new Int32Array(new SharedArrayBuffer(4));
  const source = "receive((cells) => { for (;;) Atomics.add(cells, 0, 1); });";
  const loop = host.startWorker(
    source,
    () => {},
    () => {},
  );
  loop.post(cells);
  while (Atomics.load(cells, 0) === 0) await sleep(5);
  await loop.terminate();
  await sleep(100);
  const count = Atomics.load(cells, 0);
  await sleep(100);
  return Atomics.load(cells, 0) === count;
}
