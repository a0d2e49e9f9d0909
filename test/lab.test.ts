/**
 * Runs of the lab that are killed, interrupted, repeated and in each other's way. ANTLER_SOAK=1 makes
 * it a hundred kills.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toUniform } from "../src/base/philox.ts";
import type { EpochEvent, LabEvent, ResultEvent } from "../src/lab/events.ts";
import type { RunRecord } from "../src/lab/run-record.ts";
import { Antler, ended, says } from "./command.ts";

const isSoak = process.env.ANTLER_SOAK === "1";
const kills = isSoak ? 100 : 3;

let folder: string;
let antler: Antler;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "antler-runs-"));
  antler = new Antler(folder);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const eventsOf = (out: string): LabEvent[] =>
  out
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line));
const epochsOf = (events: readonly LabEvent[]) =>
  events
    .filter((event): event is EpochEvent => event.event === "epoch")
    .map(({ seconds, msPerStep, ...bits }) => bits);
const resultIn = (events: readonly LabEvent[]) => events.at(-1) as ResultEvent;
const recordIn = (path: string): RunRecord =>
  JSON.parse(readFileSync(join(path, "run.json"), "utf8"));

/** What a run leaves that is a function of its options. */
function leftIn(out: string) {
  const [name] = readdirSync(out);
  const path = join(out, name);
  const { results, weightsHash, options, seed, data } = recordIn(path);
  const { valLoss, valAccuracy, mcAccuracy, testLoss, epochs, bestEpoch } = results!;
  const sizes = ["train", "validation"].map((run) =>
    readdirSync(join(path, "logs", run)).map(
      (file) => statSync(join(path, "logs", run, file)).size,
    ),
  );
  return {
    name,
    files: readdirSync(path).sort(),
    history: readFileSync(join(path, "history.csv"), "utf8"),
    scores: { valLoss, valAccuracy, mcAccuracy, testLoss, epochs, bestEpoch },
    run: { weightsHash, options, seed, data },
    sizes,
  };
}

describe("a run of the lab that is killed", () => {
  it(
    "and goes on with --resume, ends as if it had never been killed",
    async () => {
      // Epochs are short beside what is written after each, so kills hit writes too.
      const words = (out: string) =>
        `lab cifar10 --variant alpha --dataset embedded --limit 320 --epochs ${2 * kills + 2} ` +
        `--learning-rate 1e-3 --threads 1 --out ${out} --json`;
      const whole = await antler.run(words("whole"));
      expect(whole).toMatchObject({ code: 0, err: "" });
      const expected = eventsOf(whole.out);

      const told: LabEvent[] = [];
      let killed = 0;
      let random = isSoak ? Date.now() >>> 0 : 7;
      for (let at = 0; ; at++) {
        const child = antler.start(`${words("killed")} --resume`.split(" "));
        const end = ended(child);
        if (at < kills) {
          random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
          // The state of the first one is saved when the second one is told.
          void says(child, '"event":"epoch"', 2).then(
            () => setTimeout(() => child.kill("SIGKILL"), 400 * toUniform(random)),
            () => {}, // It came to its end before.
          );
        }
        const { code, out, err } = await end;
        expect(err).toBe("");
        told.push(...eventsOf(out));
        if (code === 0) break;
        expect(code).toBeNull();
        killed++;
      }
      expect(killed).toBeGreaterThan(kills / 2);
      expect(told.some(({ event }) => event === "resume")).toBe(true);
      // An epoch whose end was cut off is told again, as it was.
      const byEpoch = new Map(epochsOf(told).map((event) => [event.epoch, event]));
      expect(
        epochsOf(told).every((event) => Object.is(byEpoch.get(event.epoch)?.loss, event.loss)),
      ).toBe(true);
      expect([...byEpoch.values()]).toEqual(epochsOf(expected));
      expect(leftIn(join(folder, "killed"))).toEqual(leftIn(join(folder, "whole")));
      expect(resultIn(told).weightsHash).toBe(resultIn(expected).weightsHash);

      const again = await antler.run(`${words("killed")} --resume`);
      expect(again).toEqual({ code: 0, err: "", out: `${JSON.stringify(resultIn(told))}\n` });
    },
    isSoak ? 3_600_000 : 120_000,
  );
});

describe("a run of the lab that is interrupted", () => {
  const words = "lab cifar10 --epochs 1000 --threads 1 --dataset embedded --limit 320";

  it("goes on by the command that it tells, whatever the output", async () => {
    const child = antler.start(words.split(" "));
    const end = ended(child);
    await says(child, "Epoch 2/");
    child.kill("SIGINT");
    const { code, out } = await end;
    expect(code).toBe(130);
    const [, epoch, command] = /\nInterrupted after epoch (\d+); .*\nTo go on: (.*)\n$/.exec(out)!;
    expect(command).toBe(`antler ${words} --resume`);
    const next = antler.start([...command.split(" ").slice(1), "--json"]);
    const nextEnd = ended(next);
    await says(next, '"event":"epoch"');
    next.kill("SIGINT");
    const events = eventsOf((await nextEnd).out);
    // The state of an epoch is saved after its line is printed.
    const resume = events.find((event) => event.event === "resume")!;
    expect([Number(epoch), Number(epoch) + 1]).toContain(resume.epoch);
    expect(epochsOf(events)[0].epoch).toBe(resume.epoch);
  });

  it("is not in the way of others, but nobody else goes on in its folder meanwhile", async () => {
    const child = antler.start(words.split(" "));
    const end = ended(child);
    await says(child, "Epoch 1/");
    const refused = await antler.run(`${words} --resume`);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(
      new RegExp(
        "^error: antler-lab/cifar10/elu-seed1-[0-9a-f]{8}: no other process may work in the folder, " +
          `got process ${child.pid}\\. Wait for it to end, .*\\n$`,
      ),
    );
    const beside = await antler.run(`${words.replace("1000", "1")} --json`);
    expect(beside.code).toBe(0);
    child.kill("SIGKILL");
    await end;
    const other = await antler.run(`${words.replace("1000", "2000")} --resume`);
    expect(other).toMatchObject({ code: 2, out: "" });
    expect(other.err).toMatch(
      /^error: .*: an unfinished run with --epochs 1000 goes on .*, got --epochs 2000\. .*\n$/,
    );
  });
});

describe("a folder that cannot be written to", () => {
  const words = "lab cifar10 --dataset embedded --limit 32 --epochs 1 --threads 1 --json --out";

  it("is one sentence and code 1", async () => {
    writeFileSync(join(folder, "file"), "mine");
    for (const [out, sentence] of [
      ["file", "file: must be a folder, got a file."],
      ["file/below", "must be a folder that can be made, got ENOTDIR"],
    ]) {
      const { code, out: printed, err } = await antler.run(`${words} ${out}`);
      expect({ code, printed }).toEqual({ code: 1, printed: "" });
      expect(err).toMatch(/^error: [^\n]+\n$/);
      expect(err).toContain(sentence);
    }
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
  });

  it("has a record that somebody else wrote", async () => {
    const { out } = await antler.run(`${words} runs`);
    const file = join(resultIn(eventsOf(out)).folder, "run.json");
    writeFileSync(join(folder, file), '{"name": "package"}');
    const { code, err } = await antler.run(`${words} runs --resume`);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toContain(`${file}: must be a run's record, got undefined where format must be`);
  });

  // As the superuser everything can be written to.
  const canRefuse = process.platform !== "win32" && process.getuid?.() !== 0;
  it.runIf(canRefuse)("is read-only", async () => {
    spawnSync("mkdir", ["-m", "555", join(folder, "fixed")]);
    const { code, err } = await antler.run(`${words} fixed`);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*fixed.*EACCES[^\n]*\n$/);
    expect(readdirSync(join(folder, "fixed"))).toEqual([]);
  });
});
