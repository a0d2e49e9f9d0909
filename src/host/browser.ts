import { DeviceError, describe, StateError } from "../base/errors.ts";
import type { Host } from "./host.ts";

export type { Host, HostWorker } from "./host.ts";

/** A function on files: there are none here. */
const noFiles = (name: string) => async (): Promise<never> => {
  throw new StateError({
    who: name,
    expected: "files need Node",
    received: "a browser",
    fix: "Fetch the bytes and pass them as arrays.",
  });
};

export const readFile: Host["readFile"] = noFiles("readFile");
export const readInto: Host["readInto"] = noFiles("readInto");
export const fileSize: Host["fileSize"] = noFiles("fileSize");
export const isDirectory: Host["isDirectory"] = noFiles("isDirectory");
export const writeFileAtomic: Host["writeFileAtomic"] = noFiles("writeFileAtomic");
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

export const cpuCount: Host["cpuCount"] = () => globalThis.navigator?.hardwareConcurrency ?? 1;

export const memoryAvailable: Host["memoryAvailable"] = () => undefined;

export const environment: Host["environment"] = () => undefined;

// A rejection that nobody handles does not reach the page by itself; an error does.
const PRELUDE = `"use strict";
const receive = (handler) => { self.onmessage = (event) => handler(event.data); };
const send = (value, transfer) => self.postMessage(value, transfer ?? []);
self.addEventListener("unhandledrejection", (event) => { throw event.reason; });
`;

export const startWorker: Host["startWorker"] = (source, onMessage, onError) => {
  const url = URL.createObjectURL(new Blob([PRELUDE, source], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "antler" });
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
    worker.terminate();
    URL.revokeObjectURL(url);
  };
  const fail = (received: string, cause?: unknown) => {
    if (hasEnded) return;
    // In a browser a worker lives on after an uncaught error; in Node it does not.
    end();
    const expected = "must run until it is terminated";
    onError(new DeviceError({ who: "worker", expected, received, cause }));
  };
  worker.onmessage = (event: MessageEvent<unknown>) => {
    if (!hasEnded) onMessage(event.data);
  };
  worker.onerror = (event) => {
    event.preventDefault(); // It is reported here; the page's own handlers need not hear of it.
    fail(event.message || "an error without text", describeCause(event));
  };
  worker.onmessageerror = () => fail("a message that cannot be read");

  return {
    post: (message, transfer = []) => {
      if (hasEnded) {
        throw new StateError({
          who: "worker",
          expected: "must run",
          received: "one that has ended",
        });
      }
      worker.postMessage(message, [...transfer]);
    },
    terminate: async () => {
      if (!hasEnded) end();
    },
    ref: () => {},
    unref: () => {},
  };
};

/** Browsers give the error itself only rarely; else its place is all there is. */
function describeCause(event: ErrorEvent): unknown {
  return event.error ?? new Error(`${describe(event.message)} in line ${event.lineno}`);
}

export const sharedMemoryAvailable: Host["sharedMemoryAvailable"] = () =>
  globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function";

// Browsers that have relaxed SIMD have it on.
export const enableRelaxedSimd: Host["enableRelaxedSimd"] = () => {};
