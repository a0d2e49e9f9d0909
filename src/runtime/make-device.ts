/** Options of an engine, and the device that they ask for. */

import { cpuCount, sharedMemoryAvailable } from "#host";
import { DeviceError, describe, NameError, ValueError } from "../base/errors.ts";
import { type CompileOptions, compile } from "../compile/compile.ts";
import type { TileOptions } from "../compile/tile.ts";
import type { Device } from "./device.ts";
import { fusedMultiplyAdd } from "./features.ts";
import { ReferenceDevice } from "./reference.ts";
import { WasmDevice } from "./wasm.ts";

export interface EngineOptions {
  /** `wasm` (default): compiled programs on worker threads. `reference`: the slow oracle. */
  readonly device?: "wasm" | "reference" | undefined;
  /**
   * Workers, at most 256; a program that is too small to be split uses fewer. Default: one for each
   * processor, at most 8. Without shared memory there is one.
   */
  readonly threads?: number | undefined;
  /** Fused multiply-add. Default: where the host has it (`reference`: false). */
  readonly fma?: boolean | undefined;
  /** Sizes of the compiler's blocks, for tests and benchmarks: they change no bit of a result. */
  readonly tiles?: TileOptions | undefined;
  /** Most bytes of arrays on the device. Default: 4 GiB, or what the host can address. */
  readonly maximumBytes?: number | undefined;
  /**
   * Data sets of more bytes stay in their host arrays, and each call brings its rows to the device:
   * that costs a few percent of a call, and saves a second copy of the data. It changes no bit of a
   * result. Default: 256 MiB.
   */
  readonly residentBytes?: number | undefined;
  /** One memory for all workers. Default: where the host can share memory. */
  readonly shared?: boolean | undefined;
}

const most = { threads: 256, defaultThreads: 8 };

/**
 * The device for these options.
 *
 * @throws ValueError, NameError for options that are none
 * @throws DeviceError for what this host does not have
 */
export function makeDevice(options: EngineOptions): Device {
  const { device = "wasm", maximumBytes, residentBytes = 0 } = options;
  if (!(residentBytes >= 0))
    throw new ValueError({
      who: "engine",
      expected: "residentBytes must be at least 0",
      received: describe(residentBytes),
    });
  if (maximumBytes !== undefined && !(maximumBytes >= 2 ** 16))
    throw new ValueError({
      who: "engine",
      expected: "maximumBytes must be at least 65536",
      received: describe(maximumBytes),
    });
  checkThreads(options.threads);
  if (device === "reference") return new ReferenceDevice(options);
  if (device !== "wasm")
    throw new NameError({
      who: "engine",
      expected: "device must be known",
      received: describe(device),
      known: ["wasm", "reference"],
    });
  const settings = settingsFor(options);
  return new WasmDevice({
    compile: (computation) => compile(computation, settings),
    threads: settings.threads,
    shared: settings.shared,
    maximumBytes,
  });
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined) return;
  if (!Number.isInteger(threads) || threads < 1 || threads > most.threads)
    throw new ValueError({
      who: "engine",
      expected: `threads must be a whole number from 1 to ${most.threads}`,
      received: describe(threads),
    });
}

function settingsFor(options: EngineOptions): CompileOptions {
  const { tiles } = options;
  const shared = options.shared ?? sharedMemoryAvailable();
  if (shared && !sharedMemoryAvailable())
    throw missing("shared memory", "In a browser, the page must be cross-origin isolated.");
  if (!shared && (options.threads ?? 1) > 1)
    throw missing(`the shared memory that ${options.threads} threads need`, "Leave threads out.");
  const canFuse = fusedMultiplyAdd();
  if (options.fma && !canFuse) throw missing("a fused multiply-add", "Leave fma out.");
  const threads = options.threads ?? Math.min(cpuCount(), most.defaultThreads);
  return {
    threads: shared ? threads : 1,
    fma: options.fma ?? canFuse,
    shared,
    ...(tiles && { tiles }),
  };
}

const missing = (what: string, fix: string): DeviceError =>
  new DeviceError({
    who: 'device "wasm"',
    expected: `${what} was asked for`,
    received: "a host or options without it",
    fix,
  });
