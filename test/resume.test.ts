/**
 * Exact resume: fits in processes that are killed at any moment, started again until they are through,
 * end as one that was never interrupted. ANTLER_SOAK=1 makes it a hundred kills.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readZip } from "../src/formats/zip.ts";
import { readEvents } from "../src/logs/tensorboard/index.ts";

const script = join(import.meta.dirname, "resume/child.mjs");
const base = mkdtempSync(join(tmpdir(), "resume-"));
afterAll(() => rmSync(base, { recursive: true }));

const isSoak = process.env.ANTLER_SOAK === "1";
const stepsOfEpoch = 8;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the fit in a folder.
 *
 * @param milliseconds from the fit's begin on, after which it is killed
 */
function run(
  folder: string,
  variables: Record<string, string> = {},
  milliseconds = Number.POSITIVE_INFINITY,
): Promise<Ended> {
  const child = spawn(process.execPath, [script, folder], {
    env: { ...process.env, ...variables },
  });
  let out = "";
  let err = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
    if (milliseconds < Number.POSITIVE_INFINITY && text.includes("begin"))
      timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  });
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out, err });
    }),
  );
}

const stepsIn = (folder: string): number => {
  const path = join(folder, "steps");
  return existsSync(path) ? readFileSync(path).length : 0;
};

/** What has come of a fit: all that must be the same. */
async function resultOf(folder: string, { code, out, err }: Ended) {
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const { operations, ...found } = JSON.parse(out.trim().split("\n").at(-1)!);
  const best = await readZip(readFileSync(join(folder, "best.keras")));
  best.delete("metadata.json"); // It has the time.
  const entries = [...best].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
  return {
    found,
    operations: operations as number,
    best: entries,
    csv: readFileSync(join(folder, "history.csv"), "utf8"),
    events: ["train", "validation"].map((name) => eventsIn(join(folder, "logs", name))),
    files: readdirSync(folder).sort(),
  };
}

/**
 * Tags, steps and values of all events of a run, without their times: of the newest file, for a fit that
 * was killed before its first state was saved begins anew, and leaves one behind.
 */
function eventsIn(folder: string): string[] {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const newest = paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  const events = [...readEvents(readFileSync(newest), newest)];
  return events.map(({ step, values }) => JSON.stringify([step, values]));
}

/** Numbers in [0, 1) that are the same in every run of the tests, but for the long form. */
let state = isSoak ? Date.now() % 2 ** 31 : 7;
function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return state / 2 ** 31;
}

/**
 * Starts the fit until it is through, killed so many times: in turn at a random moment and at a random
 * operation on a file.
 */
async function interrupted(
  name: string,
  kills: number,
  operations: number,
  variables: Record<string, string> = {},
) {
  const folder = join(base, name);
  let killed = 0;
  for (let attempt = 0; ; attempt++) {
    const isLast = killed === kills;
    const isTimed = attempt % 3 === 0;
    // Few operations lie between two kills, or the fit would be through too early.
    const at = `${1 + Math.floor(random() * Math.min(operations, 3000 / kills))}`;
    const ended = isLast
      ? await run(folder, variables)
      : isTimed
        ? await run(folder, variables, random() * 300)
        : await run(folder, { ...variables, KILL_AT: at });
    if (ended.signal === "SIGKILL") killed++;
    else return { folder, killed, result: await resultOf(folder, ended) };
  }
}

describe("a fit that is killed and started again", () => {
  let whole: Awaited<ReturnType<typeof resultOf>>;
  let steps = 0;
  beforeAll(async () => {
    const folder = join(base, "whole");
    whole = await resultOf(folder, await run(folder));
    steps = stepsIn(folder);
  });

  it("is one that all of this matters for", () => {
    const { history, stoppedEpoch, bestEpoch } = whole.found;
    expect(stoppedEpoch).toBeGreaterThan(8);
    expect(bestEpoch).toBe(stoppedEpoch - 3);
    expect(new Set(history.learningRate).size).toBeGreaterThan(2);
    expect(steps).toBe((stoppedEpoch + 1) * stepsOfEpoch);
    expect(whole.operations).toBeGreaterThan(100);
    expect(whole.files).toEqual(["best.keras", "history.csv", "last.keras", "logs", "steps"]);
  });

  it("ends as one that was not, and repeats at most one epoch each time", async () => {
    const { operations } = whole;
    const { folder, killed, result } = await interrupted("killed", isSoak ? 100 : 6, operations);
    expect({ ...result, operations }).toEqual(whole);
    expect(killed).toBeGreaterThan(isSoak ? 80 : 3);
    const repeated = stepsIn(folder) - steps;
    expect(repeated).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(killed * stepsOfEpoch);
  }, 900_000);

  it("repeats fewer steps where the state is saved in the middle of epochs", async () => {
    const variables = { SAVE_FREQ: "3", EPOCHS: "5" };
    const alone = join(base, "alone");
    const one = await resultOf(alone, await run(alone, variables));
    const { operations } = one;
    const parts = await interrupted("often", isSoak ? 20 : 2, 60, variables);
    expect({ ...parts.result, operations }).toEqual(one);
    const repeated = stepsIn(parts.folder) - stepsIn(alone);
    expect(repeated).toBeLessThanOrEqual(parts.killed * 3);
  }, 300_000);
});
