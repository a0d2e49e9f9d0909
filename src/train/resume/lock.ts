/** Locks of what only one fit at a time may write. */
import { type HostLock, lockFile } from "#host";

/**
 * Takes a lock without waiting for a process that lives; undefined where one has it. That of a dead
 * process is taken over.
 *
 * @throws DataError if the lock's file cannot be made
 */
export async function lockAtOnce(path: string): Promise<HostLock | undefined> {
  const waiting = new AbortController();
  try {
    return await lockFile(path, { signal: waiting.signal, onHeld: () => waiting.abort() });
  } catch (error) {
    if (waiting.signal.aborted) return undefined;
    throw error;
  }
}
