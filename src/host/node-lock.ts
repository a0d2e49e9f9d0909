/** Locks between processes, in Node. */
import { randomUUID } from "node:crypto";
import { open, readFile, stat, unlink, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host, HostLock } from "./host.ts";
import { codeOf, fileError, isRunning } from "./node-files.ts";

const defaultStaleMilliseconds = 20_000;
/** How often a holder shows that it lives within the time that makes it count as dead. */
const beats = 20;
const pollMilliseconds = 50;
/** A file is empty for an instant; for longer, if its maker was killed before it wrote. */
const mostEmptyMilliseconds = 1000;
const guardMilliseconds = 10_000;
/** Those of locks that this process holds. */
const ownTokens = new Set<string>();

/** What the file of a lock says. */
interface Holder {
  readonly pid: number;
  readonly machine: string;
  /** Nobody else's: the same process may take a lock again. */
  readonly token: string;
}

/** What a waiting process sees: the file's text and the time of its last sign of life. */
interface Sight {
  readonly text: string;
  readonly beat: number;
}

/**
 * The file is made only where there is none, which a file system decides for one process. Where
 * that is not enough (a holder that was suspended for long, a file system without such guarantees),
 * a holder finds at its next sign of life that the file is not its own, and `lost` is aborted: what
 * is done under a lock must stand that two do it.
 */
export const lockFile: Host["lockFile"] = async (path, options = {}) => {
  const { signal, onWait, onHeld, staleMilliseconds = defaultStaleMilliseconds } = options;
  const holder: Holder = { pid: process.pid, machine: hostname(), token: randomUUID() };
  const text = JSON.stringify(holder);
  let seen: Sight | undefined;
  let since = 0;
  let lives = false;
  let hasWaited = false;
  for (let hasTold = false; ; ) {
    signal?.throwIfAborted();
    if (await make(path, text)) return held(path, holder, staleMilliseconds / beats);
    const sight = await look(path);
    if (sight === undefined) continue; // It was given back in this moment.
    if (sight.text !== seen?.text || sight.beat !== seen.beat) {
      // That its process runs says little: after a restart another one may have its number.
      lives = seen !== undefined || ownTokens.has(parsed(sight.text).token ?? "");
      seen = sight;
      since = performance.now();
    }
    // By the own clock: that of a file server may be another.
    const most = sight.text === "" ? mostEmptyMilliseconds : Number.POSITIVE_INFINITY;
    if (isDead(sight.text) || performance.now() - since > Math.min(most, staleMilliseconds)) {
      await takeAway(path, sight.text, text);
      continue;
    }
    if (!hasWaited) onWait?.();
    hasWaited = true;
    if (lives && !hasTold) onHeld?.();
    hasTold ||= lives;
    await sleep(pollMilliseconds, undefined, { signal: signal as AbortSignal }).catch(() => {});
  }
};

/** Makes the file, unless there is one. */
async function make(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(text);
    } catch (error) {
      await unlink(path).catch(() => {}); // The cause is reported.
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Windows says so of a file that is being removed.
    if (process.platform === "win32" && codeOf(error) === "EPERM") return false;
    throw fileError(path, "must be a writable file", error);
  }
}

async function look(path: string): Promise<Sight | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { text: await readFile(path, "utf8"), beat: mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw fileError(path, "must be a readable file", error);
  }
}

/** Whether the holder was a process of this machine that is no more. */
function isDead(text: string): boolean {
  const { pid, machine } = parsed(text);
  return machine === hostname() && pid !== undefined && !isRunning(pid);
}

/** A file may be empty for a moment, or be somebody else's. */
function parsed(text: string): Partial<Holder> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/**
 * Removes a dead holder's file. Only who has made a second file may do so, and looks again before:
 * else it could be the file of the one that was faster.
 */
async function takeAway(path: string, text: string, own: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await make(guard, own))) {
    const sight = await look(guard);
    // It is there for a moment only, unless its maker died in that moment.
    const isLeft = sight && (isDead(sight.text) || Date.now() - sight.beat > guardMilliseconds);
    if (isLeft) await unlink(guard).catch(() => {});
    else await sleep(pollMilliseconds);
    return;
  }
  try {
    if ((await look(path))?.text === text) await unlink(path);
  } catch (error) {
    throw fileError(path, "must be removable", error);
  } finally {
    await unlink(guard).catch(() => {});
  }
}

function held(path: string, holder: Holder, beatMilliseconds: number): HostLock {
  const text = JSON.stringify(holder);
  const lost = new AbortController();
  ownTokens.add(holder.token);
  const isOwn = async (): Promise<boolean> =>
    (await look(path).catch(() => undefined))?.text === text;
  const beat = async (): Promise<void> => {
    if (!(await isOwn())) return lost.abort();
    const time = new Date();
    await utimes(path, time, time).catch(() => {}); // The next beat sees what has become of it.
  };
  const timer = setInterval(() => void beat(), beatMilliseconds);
  timer.unref();
  return {
    lost: lost.signal,
    release: async () => {
      clearInterval(timer);
      ownTokens.delete(holder.token);
      if (await isOwn()) await unlink(path).catch(() => {});
    },
  };
}
