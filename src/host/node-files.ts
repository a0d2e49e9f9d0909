/** Files, in Node. */
import { createReadStream } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readFile as read,
  readdir,
  rename,
  rm,
  stat,
  unlink,
} from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { DataError, describe } from "../base/errors.ts";
import type { Host } from "./host.ts";

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
    if (isMissing(error)) return undefined;
    throw fileError(path, "must be accessible", error);
  }
}

export const joinPath: Host["joinPath"] = join;

let temporaryFiles = 0;
/** Whose temporary files they are: other machines may see the same folder. */
const machine = hostname().replace(/[^\w-]/g, "_");
/** Those that are being written. */
const writing = new Set<string>();
/** Files that this process has written before. */
const written = new Set<string>();

export const writeFileAtomic: Host["writeFileAtomic"] = async (path, bytes) => {
  const folder = dirname(path);
  const start = `.${basename(path)}.${machine}.`;
  const temporary = join(folder, `${start}${process.pid}.${temporaryFiles++}.tmp`);
  try {
    if (!written.has(path)) await removeLeft(folder, start);
    written.add(path);
    writing.add(temporary);
    await writeFlushed(temporary, bytes);
    await rename(temporary, path);
    await flushFolder(folder);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // It may never have been made; the cause is reported.
    throw fileError(path, "must be a writable file", error);
  } finally {
    writing.delete(temporary);
  }
};

/** Removes temporary files of processes that were killed while they wrote; one may have had our number. */
async function removeLeft(folder: string, start: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [pid, , ending] = name.startsWith(start) ? name.slice(start.length).split(".") : [];
    const left = join(folder, name);
    const isLeft = Number(pid) === process.pid ? !writing.has(left) : !isRunning(Number(pid));
    if (ending === "tmp" && isLeft) await rm(left, { force: true });
  }
}

/** Whether a process of this machine runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // Sends nothing; tells whether there is one.
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

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

export const appendFile: Host["appendFile"] = async (path, isNew = false) => {
  const checked = <T>(call: Promise<T>): Promise<T> =>
    call.catch((error: unknown) => {
      throw fileError(path, "must be a writable file", error);
    });
  const file = await checked(open(path, isNew ? "ax" : "a"));
  return {
    write: (bytes) => checked(file.writeFile(bytes)),
    flush: () => checked(file.sync()),
    close: () => checked(file.close()),
  };
};

export const truncateFile: Host["truncateFile"] = async (path, bytes) => {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r+");
    const { size } = await file.stat();
    if (size < bytes)
      throw new DataError({
        who: path,
        expected: `must have at least ${bytes} bytes`,
        received: `${size}`,
      });
    await file.truncate(bytes);
    await file.sync();
  } catch (error) {
    throw error instanceof DataError ? error : fileError(path, "must be a writable file", error);
  } finally {
    await file?.close();
  }
};

export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) yield chunk;
  } catch (error) {
    throw fileError(path, "must be a readable file", error);
  }
}

export const makeFolder: Host["makeFolder"] = async (path) => {
  try {
    await makeWithParents(path);
  } catch (error) {
    throw fileError(path, "must be a folder that can be made", error);
  }
};

/** Node's own says ENOENT of a read-only disk, and never ends where a parent can't be made (/proc). */
async function makeWithParents(path: string): Promise<void> {
  const isFolder = (one: string) =>
    stat(one).then(
      (status) => status.isDirectory(),
      () => false,
    );
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path) throw error;
    if (!(await isFolder(parent))) await makeWithParents(parent);
    // Others may make the same folders at the same time.
    await mkdir(path).catch(async (again: unknown) => {
      if (!(await isFolder(path))) throw again;
    });
  }
}

export const listFolder: Host["listFolder"] = async (path) => {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileError(path, "must be a readable folder", error);
  }
};

export const renamePath: Host["renamePath"] = async (from, to) => {
  await rename(from, to).catch((error: unknown) => {
    throw fileError(to, "must be free to take", error);
  });
};

export const removePath: Host["removePath"] = async (path) => {
  // Windows refuses for a moment while a virus scanner reads.
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    throw fileError(path, "must be removable", error);
  });
};

export const cacheFolder: Host["cacheFolder"] = () => {
  const { XDG_CACHE_HOME: chosen, LOCALAPPDATA: local } = process.env;
  // A relative path is to be ignored, says the XDG Base Directory Specification.
  if (chosen && isAbsolute(chosen)) return join(chosen, "antler");
  if (process.platform === "win32" && local) return join(local, "antler", "Cache");
  const home = homeFolder();
  if (process.platform === "win32") return join(home, "AppData", "Local", "antler", "Cache");
  if (process.platform === "darwin") return join(home, "Library", "Caches", "antler");
  return join(home, ".cache", "antler");
};

function homeFolder(): string {
  try {
    return homedir();
  } catch (cause) {
    throw new DataError({
      who: "cache",
      expected: "the user must have a home folder",
      received: "none",
      fix: "Set XDG_CACHE_HOME to a folder for caches.",
      cause,
    });
  }
}

/** ENOTDIR: a part of the path that should be a folder is a file. */
const isMissing = (error: unknown): boolean =>
  codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return String(error.code);
}

export function fileError(path: string, expected: string, cause: unknown): DataError {
  const code = codeOf(cause);
  const received = code === "ENOENT" ? "no such file or folder" : (code ?? describe(cause));
  return new DataError({ who: path, expected, received, cause });
}
