/** Processes that a benchmark starts: runs of the lab, and programs that only keep a core busy. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { root } from "./machine.mjs";

const command = `${root}/dist/cli/main.js`;
const memoryReporter = new URL("./report-memory.mjs", import.meta.url).href;

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
  const stdio = /** @type {const} */ (["ignore", "pipe", "pipe", "pipe"]);
  const child = spawn(process.execPath, words.map(String), { stdio: [...stdio] });
  const stop = () => child.kill();
  process.once("exit", stop);
  const [output, errors, memory] = child.stdio.slice(1).map(textOf);
  const [code, signal] = await once(child, "close");
  process.off("exit", stop);
  if (code !== 0)
    throw new Error(`antler lab ended with ${signal ?? code}: ${(await errors).trim()}`);
  const lines = (await output).trim().split("\n");
  return { events: lines.map((line) => JSON.parse(line)), peakBytes: Number(await memory) };
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
