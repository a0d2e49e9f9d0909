import { createHash } from "node:crypto";
import { availableParallelism, cpus, freemem, hostname } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import zlib from "node:zlib";
import { crc32 as crc32InScript } from "../base/crc32.ts";
import { DeviceError, describe, StateError } from "../base/errors.ts";
import type { Host } from "./host.ts";

export type * from "./host.ts";
export {
  appendFile,
  cacheFolder,
  fileSize,
  isDirectory,
  joinPath,
  listFolder,
  makeFolder,
  readChunks,
  readFile,
  readInto,
  removePath,
  renamePath,
  truncateFile,
  writeFileAtomic,
} from "./node-files.ts";
export { lockFile } from "./node-lock.ts";
export { gunzip, httpGet } from "./node-streams.ts";

// Node's performance.now() counts from the start of the process.
export const now: Host["now"] = () => performance.now();

export const processStart: Host["processStart"] = () => 0;

export const sha256: Host["sha256"] = async (bytes) =>
  createHash("sha256").update(bytes).digest("hex");

export const sha256OfChunks: Host["sha256OfChunks"] = async (chunks) => {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
};

// Node has it from 20.15 on, several times faster.
export const crc32: Host["crc32"] = zlib.crc32 ?? crc32InScript;

export const cpuCount: Host["cpuCount"] = availableParallelism;

export const memoryAvailable: Host["memoryAvailable"] = () => {
  // Under a limit (a container's), what is left of it; without one Node gives 0 or a huge number.
  const limit = process.constrainedMemory() ?? 0;
  const free = freemem();
  if (limit === 0) return free;
  return Math.max(0, Math.min(free, limit - process.memoryUsage.rss()));
};

export const environment: Host["environment"] = (name) => process.env[name];

export const processName: Host["processName"] = () => `${hostname()}.${process.pid}`;

export const machine: Host["machine"] = () => ({
  runtime: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() || "unknown",
});

const PRELUDE = `"use strict";
const { receive, send } = (() => {
  const { parentPort } = require("node:worker_threads");
  return {
    receive: (handler) => {
      parentPort.removeAllListeners("message");
      parentPort.on("message", handler);
    },
    send: (value, transfer) => parentPort.postMessage(value, transfer),
  };
})();
`;

export const startWorker: Host["startWorker"] = (source, onMessage, onError, options = {}) => {
  const { maxHeapBytes } = options;
  // No flags are inherited: --input-type=module would make the text a module, and loaders given
  // by --import would run in every worker.
  const worker = new Worker(PRELUDE + source, {
    eval: true,
    execArgv: [],
    name: "antler",
    ...(maxHeapBytes && { resourceLimits: { maxOldGenerationSizeMb: maxHeapBytes / 2 ** 20 } }),
  });
  let hasEnded = false;
  const fail = (received: string, cause?: unknown) => {
    if (hasEnded) return;
    hasEnded = true;
    const expected = "must run until it is terminated";
    onError(new DeviceError({ who: "worker", expected, received, cause }));
  };
  worker.on("message", (value: unknown) => {
    if (!hasEnded) onMessage(value);
  });
  worker.on("error", (error: unknown) => fail(reasonOf(error), error));
  worker.on("messageerror", (error: Error) => {
    fail(`a message that cannot be read (${error.message})`, error);
    void worker.terminate();
  });
  worker.on("exit", (code) => fail(`exit code ${code}`));
  worker.unref();

  return {
    post: (message, transfer = []) => {
      if (hasEnded) {
        throw new StateError({
          who: "worker",
          expected: "must run",
          received: "one that has ended",
        });
      }
      worker.postMessage(message, [...transfer] as Parameters<Worker["postMessage"]>[1]);
    },
    terminate: async () => {
      hasEnded = true;
      await worker.terminate();
    },
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  };
};

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
}

export const workersLoadModules: Host["workersLoadModules"] = () => true;

export const sharedMemoryAvailable: Host["sharedMemoryAvailable"] = () => true;

let relaxedSimdIsOn = Number.parseInt(process.versions.node, 10) >= 22;

export const enableRelaxedSimd: Host["enableRelaxedSimd"] = () => {
  if (relaxedSimdIsOn) return;
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  relaxedSimdIsOn = true;
};

export const standardOutput: Host["standardOutput"] = () => process.stdout;

export const standardError: Host["standardError"] = () => process.stderr;
