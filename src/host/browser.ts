import { crc32 as crc32InScript } from "../base/crc32.ts";
import { DeviceError, StateError } from "../base/errors.ts";
import type { Host } from "./host.ts";

export type * from "./host.ts";

/** A function on files: there are none here. */
const noFiles = (name: string) => async (): Promise<never> => {
  throw needsNode(name);
};

const needsNode = (name: string): StateError =>
  new StateError({
    who: name,
    expected: "files need Node",
    received: "a browser",
    fix: "Fetch the bytes and pass them as arrays.",
  });

/** The same for what gives bytes piece by piece. */
const noChunks = (name: string) => (): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: noFiles(name) }),
});

export const readFile: Host["readFile"] = noFiles("readFile");
export const readInto: Host["readInto"] = noFiles("readInto");
export const fileSize: Host["fileSize"] = noFiles("fileSize");
export const isDirectory: Host["isDirectory"] = noFiles("isDirectory");
export const writeFileAtomic: Host["writeFileAtomic"] = noFiles("writeFileAtomic");
export const appendFile: Host["appendFile"] = noFiles("appendFile");
export const truncateFile: Host["truncateFile"] = noFiles("truncateFile");
export const readChunks: Host["readChunks"] = noChunks("readChunks");
export const makeFolder: Host["makeFolder"] = noFiles("makeFolder");
export const listFolder: Host["listFolder"] = noFiles("listFolder");
export const renamePath: Host["renamePath"] = noFiles("renamePath");
export const removePath: Host["removePath"] = noFiles("removePath");
export const lockFile: Host["lockFile"] = noFiles("lockFile");
export const gunzip: Host["gunzip"] = noChunks("gunzip");
export const httpGet: Host["httpGet"] = noFiles("httpGet");
export const sha256OfChunks: Host["sha256OfChunks"] = noFiles("sha256OfChunks");
export const cacheFolder: Host["cacheFolder"] = () => {
  throw needsNode("cacheFolder");
};
export const joinPath: Host["joinPath"] = (...parts) => parts.join("/").replace(/\/{2,}/g, "/");

// A page's performance.now() counts from the start of its navigation.
export const now: Host["now"] = () => performance.now();

export const processStart: Host["processStart"] = () => 0;

export const sha256: Host["sha256"] = async (bytes) => {
  // Browsers leave `crypto.subtle` out on pages that came without encryption.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new StateError({
      who: "sha256",
      expected: "needs a secure context",
      received: "a page without one",
      fix: "Serve the page over HTTPS or from localhost.",
    });
  }
  // A copy, because digest takes no view of shared memory.
  const digest = await subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const crc32: Host["crc32"] = crc32InScript;

export const cpuCount: Host["cpuCount"] = () => globalThis.navigator?.hardwareConcurrency ?? 1;

export const memoryAvailable: Host["memoryAvailable"] = () => undefined;

export const environment: Host["environment"] = () => undefined;

export const processName: Host["processName"] = () => "browser.0";

export const machine: Host["machine"] = () => ({
  runtime: navigator.userAgent,
  platform: "browser",
  cpu: "unknown",
});

/**
 * What a worker's text begins with. It takes the lock of its own name before it hears of anything,
 * so that whoever is given the lock after it knows that the worker is gone. (Pages that may not ask
 * for locks share no memory either: there nobody waits.)
 *
 * A rejection that nobody handles and a message that cannot be read do not reach the page by
 * themselves; an error does.
 */
const PRELUDE = `"use strict";
const { receive, send } = (() => {
  const isKnown = new Promise((resolve) => {
    const hold = () => new Promise(() => resolve());
    if (self.navigator.locks) self.navigator.locks.request(self.location.href, hold).catch(resolve);
    else resolve();
  });
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault(); // It is told as an error.
    throw event.reason;
  });
  self.addEventListener("messageerror", () => {
    throw new Error("a message that cannot be read");
  });
  return {
    receive: (handler) => {
      const early = [];
      self.onmessage = (event) => early.push(event.data);
      isKnown.then(() => {
        self.onmessage = (event) => handler(event.data);
        for (const data of early) handler(data);
      });
    },
    send: (value, transfer) => self.postMessage(value, transfer ?? []),
  };
})();
`;

export const startWorker: Host["startWorker"] = (source, onMessage, onError) => {
  const url = URL.createObjectURL(new Blob([PRELUDE, source], { type: "text/javascript" }));
  let worker: Worker | undefined;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => {
    worker?.terminate();
    URL.revokeObjectURL(url);
    ended = worker ? untilGone(url) : Promise.resolve();
    return ended;
  };
  const fail = (received: string, cause: unknown) => {
    if (ended) return;
    // In a browser a worker lives on after an uncaught error; in Node it does not.
    void end();
    const expected = "must run until it is terminated";
    onError(new DeviceError({ who: "worker", expected, received, cause }));
  };
  try {
    worker = new Worker(url, { name: "antler" });
    worker.onmessage = (event: MessageEvent<unknown>) => {
      if (!ended) onMessage(event.data);
    };
    worker.onerror = (event) => {
      event.preventDefault(); // It is reported here; the page's own handlers need not hear of it.
      fail(reasonOf(event), causeOf(event));
    };
    worker.onmessageerror = (event) => fail("a message that cannot be read", event);
  } catch (error) {
    // Like every other failure after the call, when the caller has the worker.
    queueMicrotask(() => fail(`none that could be started (${error})`, error));
  }

  return {
    post: (message, transfer = []) => {
      if (ended) {
        throw new StateError({
          who: "worker",
          expected: "must run",
          received: "one that has ended",
        });
      }
      worker?.postMessage(message, [...transfer]);
    },
    terminate: () => ended ?? end(),
    ref: () => {},
    unref: () => {},
  };
};

/** Chromium lets a worker that is busy run on for two seconds after `terminate`. */
const mostTerminationMilliseconds = 10_000;

/**
 * Resolves when a terminated worker runs no more: browsers do not tell, but then its lock is free.
 * Only shared memory makes this worth to wait for. A browser that is not done in time is not waited
 * for any longer.
 */
async function untilGone(lock: string): Promise<void> {
  if (!sharedMemoryAvailable()) return;
  const signal = AbortSignal.timeout(mostTerminationMilliseconds);
  await globalThis.navigator.locks?.request(lock, { signal }, () => {}).catch(() => {});
}

/** What ended a worker. Whatever its own text throws comes as an ErrorEvent. */
function reasonOf(event: Event): string {
  if (!("message" in event))
    return "one whose text was not loaded (a Content-Security-Policy needs worker-src blob:)";
  // Chromium's word for what is thrown, whatever it is.
  return String(event.message).replace(/^Uncaught /, "") || "an error without text";
}

/** Browsers give the error itself only rarely; else its place is all there is. */
function causeOf(event: ErrorEvent): unknown {
  return (
    event.error ?? (event.message ? new Error(`${event.message} in line ${event.lineno}`) : event)
  );
}

export const workersLoadModules: Host["workersLoadModules"] = () => false;

export const sharedMemoryAvailable: Host["sharedMemoryAvailable"] = () =>
  globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function";

// Browsers that have relaxed SIMD have it on.
export const enableRelaxedSimd: Host["enableRelaxedSimd"] = () => {};

export const standardOutput: Host["standardOutput"] = () => undefined;

export const standardError: Host["standardError"] = () => undefined;
