/** The command as people and scripts run it: the built file, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
const command = join(root, "dist/cli/main.js");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `antler` in a folder, which it may write to, without what the environment of the tests says. */
export class Antler {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  start(words: readonly string[], variables: Record<string, string> = {}): ChildProcess {
    const { ANTLER_DATA, NO_COLOR, npm_lifecycle_event, ...rest } = process.env;
    // What was downloaded on this machine is not seen.
    const env = { ...rest, XDG_CACHE_HOME: this.#folder, ...variables };
    return spawn(process.execPath, [command, ...words], { env, cwd: this.#folder });
  }

  run(words: string, variables?: Record<string, string>): Promise<Ended> {
    return ended(this.start(words.split(" ").filter(Boolean), variables));
  }
}

export function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout!.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr!.setEncoding("utf8").on("data", (text) => (err += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

/** Waits until standard output has this so many times; fails where it ends without. */
export function says(child: ChildProcess, text: string, times = 1): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = "";
    child.stdout!.on("data", (piece) => {
      all += piece;
      if (all.split(text).length > times) resolve();
    });
    child.on("close", () => reject(new Error(`it ended without ${text}: ${all}`)));
  });
}

export const cifar10Bytes = 30_730_000;
const cifar10Files = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat("test_batch.bin");

/** A folder in CIFAR-10's layout, black pictures of class 0, on disks that take no room for zeros. */
export function blackPictures(path: string): string {
  mkdirSync(path);
  for (const file of cifar10Files) {
    writeFileSync(join(path, file), "");
    truncateSync(join(path, file), cifar10Bytes);
  }
  return path;
}
