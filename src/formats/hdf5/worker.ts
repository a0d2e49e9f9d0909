/** Workers with h5wasm in them. */
import { type HostWorker, startWorker, workersLoadModules } from "#host";
import { DeviceError } from "../../base/errors.ts";
import { standsAlone } from "./stands-alone.ts";

/** What is wrong with a file (see `session-problem.js`). */
export interface FileProblem {
  readonly expected: string;
  readonly received: string;
}

/** How a request ended: with a value, with what is wrong with the file, or with a worker's end. */
export type Answer =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "problem"; readonly problem: FileProblem }
  | { readonly kind: "ended"; readonly error: Error }
  | { readonly kind: "late" };

/** Bounds of a worker's memory, in bytes. */
export interface WorkerBounds {
  /** Of h5wasm's own memory. */
  readonly memory: number;
  /** Of JavaScript's objects beside it. */
  readonly heap: number;
}

/**
 * A worker that is ready, or undefined where there can be none: in a page whose bundler has put
 * `session.js` where a worker cannot load it alone. Once that is so, it is not tried again.
 *
 * @throws DeviceError if h5wasm cannot be loaded in Node
 */
export async function startSession(bounds: WorkerBounds): Promise<SessionWorker | undefined> {
  if (workersLoadModules()) {
    // In words that no bundler takes for a file to be copied.
    const worker = new SessionWorker(import.meta.url.replace(/[^/]*$/, "session.js"), bounds);
    const error = await worker.ready;
    if (error === undefined) return worker;
    throw loadError(error, "A bundler must leave antler and h5wasm out of a program for Node.");
  }
  if (!pageHasWorkers) return undefined;
  const { url } = await import("./session.js");
  if (!(await standsAlone(url))) {
    pageHasWorkers = false;
    return undefined;
  }
  const worker = new SessionWorker(url, bounds);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error("late")), mostStartMilliseconds);
  });
  const error = await Promise.race([worker.ready, late]);
  clearTimeout(timer);
  if (error === undefined) return worker;
  pageHasWorkers = false;
  await worker.end();
  return undefined;
}

/**
 * `session.js` in this thread, for where there can be no worker.
 *
 * @throws DeviceError if h5wasm cannot be loaded
 */
export async function loadHere(): Promise<typeof import("./session.js")> {
  try {
    const session = await import("./session.js");
    await session.ready();
    return session;
  } catch (error) {
    throw loadError(error, "A Content-Security-Policy needs script-src 'wasm-unsafe-eval'.");
  }
}

function loadError(error: unknown, fix: string): DeviceError {
  const received = error instanceof DeviceError ? error.received : String(error);
  const expected = "the HDF5 library (h5wasm) must load";
  return new DeviceError({ who: "HDF5", expected, received, fix, cause: error });
}

let pageHasWorkers = true;
/** A worker that a page's policy keeps from compiling h5wasm tells nobody. */
const mostStartMilliseconds = 20_000;

/**
 * A worker's text. Before h5wasm is loaded, its memory gets a bound and what it prints a hole to
 * fall into.
 */
const sourceFor = (url: string, memory: number): string => `
for (const name of ["log", "info", "warn", "error", "debug", "trace"]) console[name] = () => {};
const { grow } = WebAssembly.Memory.prototype;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * 65536 > ${memory}) throw new RangeError("no memory");
  return grow.call(this, pages);
};
const session = import(${JSON.stringify(url)});
session.then(({ ready }) => ready()).then(() => send({ kind: "ready" }));
receive(async ({ action, values }) => {
  const { problemOf, ...actions } = await session;
  try {
    const { transfer, ...value } = await actions[action](...values);
    send({ kind: "value", value }, transfer);
  } catch (error) {
    send({ kind: "problem", problem: problemOf(error) });
  }
});
`;

/** One worker with h5wasm in it. It is asked one thing at a time. */
export class SessionWorker {
  /** Resolves when it can be asked; with an error if it has ended before. */
  readonly ready: Promise<Error | undefined>;
  readonly #worker: HostWorker;
  #answer: (answer: Answer) => void = () => {};
  #error: Error | undefined;

  constructor(url: string, { memory, heap }: WorkerBounds) {
    let isReady: (error?: Error) => void;
    this.ready = new Promise((resolve) => {
      isReady = resolve;
    });
    const onMessage = (message: unknown) => {
      const answer = message as Answer | { readonly kind: "ready" };
      if (answer.kind !== "ready") return this.#answer(answer);
      this.#worker.unref();
      isReady();
    };
    const onError = (error: Error) => {
      this.#error = error;
      isReady(error);
      this.#answer({ kind: "ended", error });
    };
    const source = sourceFor(url, memory);
    this.#worker = startWorker(source, onMessage, onError, { maxHeapBytes: heap });
    this.#worker.ref();
  }

  /** False once it has ended by itself. */
  get isAlive(): boolean {
    return this.#error === undefined;
  }

  /**
   * Calls an exported function of `session.js`. The process stays alive for the answer.
   *
   * @param milliseconds most that the call may take
   */
  async ask(
    action: "read" | "write",
    values: readonly unknown[],
    transfer: readonly ArrayBuffer[] = [],
    milliseconds = Number.POSITIVE_INFINITY,
  ): Promise<Answer> {
    if (this.#error) return { kind: "ended", error: this.#error };
    this.#worker.ref();
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<Answer>((resolve) => {
        this.#answer = resolve;
        if (milliseconds < 2 ** 31)
          timer = setTimeout(() => resolve({ kind: "late" }), milliseconds);
        this.#worker.post({ action, values }, transfer);
      });
    } finally {
      clearTimeout(timer);
      this.#answer = () => {};
      this.#worker.unref();
    }
  }

  /** Ends it, in the middle of what it does. */
  end(): Promise<void> {
    return this.#worker.terminate();
  }
}
