/**
 * A host that injects faults, for tests:
 *
 *     vi.mock("#host", async (original) => withFaults(await original()));
 */
import { DataError } from "../base/errors.ts";
import type { Host } from "./host.ts";

/** What goes wrong from now on. */
export interface Faults {
  /** Bytes that fit on the disk; what is removed makes no room. */
  room: number;
  /** What a write fails with when there is no room. */
  code: string;
}

const none: Readonly<Faults> = { room: Number.POSITIVE_INFINITY, code: "ENOSPC" };

/** To be set by a test. */
export const faults: Faults = { ...none };

export function endFaults(): void {
  Object.assign(faults, none);
}

export function withFaults<Real extends Host>(host: Real): Real {
  /** As much of the bytes as fits. */
  const fitting = (bytes: Uint8Array): Uint8Array =>
    bytes.subarray(0, Math.min(bytes.length, faults.room));
  const fill = (path: string, bytes: Uint8Array): void => {
    const isFull = bytes.length > faults.room;
    faults.room -= Math.min(bytes.length, faults.room);
    if (!isFull) return;
    const cause = Object.assign(new Error(faults.code), { code: faults.code });
    const expected = "must be a writable file";
    throw new DataError({ who: path, expected, received: faults.code, cause });
  };
  return {
    ...host,
    appendFile: async (path, isNew) => {
      const file = await host.appendFile(path, isNew);
      return {
        ...file,
        write: async (bytes) => {
          await file.write(fitting(bytes));
          fill(path, bytes);
        },
      };
    },
    writeFileAtomic: async (path, bytes) => {
      fill(path, bytes);
      await host.writeFileAtomic(path, bytes);
    },
  };
}
