/** Processes that a benchmark starts: runs of the lab, and programs that only keep a core busy. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./machine.mjs";

const command = `${root}/dist/cli/main.js`;
/** Imported before a program: it tells the peak of its memory on descriptor 3. */
export const memoryReporter = new URL("./report-memory.mjs", import.meta.url).href;

/**
 * Runs Node to its end.
 *
 * @param {readonly (string | number)[]} words
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<{ output: string, told: string }>} what it printed, and what it wrote to
 *   descriptor 3
 * @throws Error with what it said, if it failed
 */
export async function runNode(words, options = {}) {
  const stdio = /** @type {const} */ (["ignore", "pipe", "pipe", "pipe"]);
  const child = spawn(process.execPath, words.map(String), { ...options, stdio: [...stdio] });
  const stop = () => child.kill();
  process.once("exit", stop);
  const [output, errors, told] = child.stdio.slice(1).map(textOf);
  const [code, signal] = await once(child, "close");
  process.off("exit", stop);
  if (code !== 0) throw new Error(`it ended with ${signal ?? code}: ${(await errors).trim()}`);
  return { output: await output, told: await told };
}

/**
 * Runs `antler lab cifar10 ... --json`.
 *
 * @param {readonly (string | number)[]} options
 * @returns {Promise<{ events: any[], peakBytes: number }>} its events, and the most memory that was
 *   resident
 * @throws Error with what it said, if it failed
 */
export async function runLab(options) {
  const words = ["--import", memoryReporter, command, "lab", "cifar10", ...options, "--json"];
  const out = await mkdtemp(join(tmpdir(), "antler-bench-"));
  try {
    const { output, told } = await runNode([...words, "--out", out]);
    const lines = output.trim().split("\n");
    return { events: lines.map((line) => JSON.parse(line)), peakBytes: Number(told) };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** @param {any} stream */
async function textOf(stream) {
  let text = "";
  for await (const part of stream.setEncoding("utf8")) text += part;
  return text;
}

/** Ends by itself, should nobody be left to end it. */
const spinCode = "console.log(); const end = Date.now() + 60_000; while (Date.now() < end);";

/**
 * Starts so many processes that do nothing but count, each able to fill a core, and returns what
 * ends them.
 *
 * @param {number} count
 * @returns {Promise<() => Promise<void>>}
 */
export async function startSpinning(count) {
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ["--eval", spinCode], { stdio: ["ignore", "pipe", "ignore"] }),
  );
  const kill = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  process.once("exit", kill);
  await Promise.all(children.map((child) => once(child.stdout, "data")));
  return async () => {
    const ends = children.map((child) => once(child, "exit"));
    kill();
    process.off("exit", kill);
    await Promise.all(ends);
  };
}
