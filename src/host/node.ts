import { createHash } from "node:crypto";
import { type FileHandle, open, readFile as read, rename, stat, unlink } from "node:fs/promises";
import { availableParallelism, freemem } from "node:os";
import { basename, dirname, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { DataError, DeviceError, describe, StateError } from "../base/errors.ts";
import type { Host } from "./host.ts";

export type { Host, HostWorker } from "./host.ts";

export const readFile: Host["readFile"] = async (path) => {
  try {
    return await read(path);
  } catch (error) {
    throw fileError(path, "must be a readable file", error);
  }
};

export const readInto: Host["readInto"] = async (path, buffer, offset) => {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    let filled = 0;
    while (offset + filled < buffer.length) {
      const rest = buffer.length - offset - filled;
      const { bytesRead } = await file.read(buffer, offset + filled, rest, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  } catch (error) {
    throw fileError(path, "must be a readable file", error);
  } finally {
    await file?.close();
  }
};

export const fileSize: Host["fileSize"] = async (path) => {
  const status = await statusOf(path);
  return status?.isFile() ? status.size : undefined;
};

export const isDirectory: Host["isDirectory"] = async (path) =>
  (await statusOf(path))?.isDirectory() ?? false;

async function statusOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    // ENOTDIR: a part of the path that should be a folder is a file.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw fileError(path, "must be accessible", error);
  }
}

export const joinPath: Host["joinPath"] = join;

let temporaryFiles = 0;

export const writeFileAtomic: Host["writeFileAtomic"] = async (path, bytes) => {
  const folder = dirname(path);
  const name = `.${basename(path)}.${process.pid}.${temporaryFiles++}.tmp`;
  const temporary = join(folder, name);
  try {
    await writeFlushed(temporary, bytes);
    await rename(temporary, path);
    await flushFolder(folder);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // It may never have been made; the cause is reported.
    throw fileError(path, "must be a writable file", error);
  }
};

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename last over a power failure. Windows cannot open folders, nor need it. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return String(error.code);
}

function fileError(path: string, expected: string, cause: unknown): DataError {
  const code = codeOf(cause);
  const received = code === "ENOENT" ? "no such file or folder" : (code ?? describe(cause));
  return new DataError({ who: path, expected, received, cause });
}

// Node's performance.now() counts from the start of the process.
export const now: Host["now"] = () => performance.now();

export const processStart: Host["processStart"] = () => 0;

export const sha256: Host["sha256"] = async (bytes) =>
  createHash("sha256").update(bytes).digest("hex");

export const cpuCount: Host["cpuCount"] = availableParallelism;

export const memoryAvailable: Host["memoryAvailable"] = () => {
  // Under a limit (a container's), what is left of it; without one Node gives 0 or a huge number.
  const limit = process.constrainedMemory() ?? 0;
  const free = freemem();
  if (limit === 0) return free;
  return Math.max(0, Math.min(free, limit - process.memoryUsage.rss()));
};

export const environment: Host["environment"] = (name) => process.env[name];

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

export const startWorker: Host["startWorker"] = (source, onMessage, onError) => {
  // No flags are inherited: --input-type=module would make the text a module, and loaders given
  // by --import would run in every worker.
  const worker = new Worker(PRELUDE + source, { eval: true, execArgv: [], name: "antler" });
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

export const sharedMemoryAvailable: Host["sharedMemoryAvailable"] = () => true;

let relaxedSimdIsOn = Number.parseInt(process.versions.node, 10) >= 22;

export const enableRelaxedSimd: Host["enableRelaxedSimd"] = () => {
  if (relaxedSimdIsOn) return;
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  relaxedSimdIsOn = true;
};

export const standardOutput: Host["standardOutput"] = () => process.stdout;
