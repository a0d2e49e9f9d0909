import { spawnSync } from "node:child_process";
import { utimesSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRun, openRun, type RunFolder } from "./run-folder.ts";
import { type RunIdentity, runIdentity } from "./run-identity.ts";
import { finishedRecordOf, recordOf } from "./run-record.case.ts";

const identityOf = (more: object = {}): Promise<RunIdentity> =>
  runIdentity({ variant: "elu", seed: 1, dataset: "embedded", ...more });
const run = await identityOf();

let out: string;
let opened: RunFolder[] = [];
beforeEach(async () => {
  out = join(await mkdtemp(join(tmpdir(), "antler-runs-")), "deep", "out");
});
afterEach(async () => {
  for (const folder of opened) await folder.release();
  opened = [];
  await rm(join(out, "../.."), { recursive: true });
});

async function open(identity: RunIdentity, resume = false): Promise<RunFolder> {
  const folder = await openRun(out, identity, resume);
  opened.push(folder);
  return folder;
}

/** A run that has got so far, and whose process is gone. */
async function leave(identity: RunIdentity, epochs: number, isFinished = false): Promise<string> {
  const folder = await openRun(out, identity, false);
  await folder.write(isFinished ? finishedRecordOf(identity) : recordOf(identity));
  if (epochs > 0) await writeFile(folder.file("last"), "a state");
  await folder.release();
  return folder.path;
}

describe("a run's name", () => {
  it("has the net, the seed and a hash of all that decides its bits", async () => {
    expect(run.name).toMatch(/^elu-seed1-[0-9a-f]{8}$/);
    const hash = run.name.slice(-8);
    expect((await identityOf({ seed: 2 })).name).toBe(`elu-seed2-${hash}`);
    // Defaults that are named are the same run.
    const named = { epochs: 100, batchSize: 32, learningRate: 5e-5, limit: undefined };
    expect((await identityOf(named)).name).toBe(run.name);
    for (const more of [
      { epochs: 99 },
      { batchSize: 64 },
      { learningRate: 1e-4 },
      { limit: 320 },
      { dataset: "cifar10" },
    ])
      expect((await identityOf(more)).name).not.toContain(hash);
  });

  it("stays the same over versions of Antler", async () => {
    expect(run.name).toBe("elu-seed1-4faaf1b8");
  });
});

describe("a new run", () => {
  it("gets a folder, and the next number where it is repeated", async () => {
    const paths = [];
    for (let i = 0; i < 3; i++) paths.push(await leave(run, 1));
    expect(paths).toEqual(["", "-2", "-3"].map((number) => join(out, run.name + number)));
  });

  it("gets the number after the last one, also where earlier ones were removed", async () => {
    for (let i = 0; i < 3; i++) await leave(run, 1);
    await rm(join(out, run.name), { recursive: true });
    expect(await leave(run, 1)).toBe(join(out, `${run.name}-4`));
  });

  it("counts no folder whose number is none that a run gets", async () => {
    await mkdir(join(out, `${run.name}-9007199254740993`), { recursive: true });
    expect(await leave(run, 1)).toBe(join(out, run.name));
  });

  it("leaves no folder where nothing was written in it", async () => {
    const folder = await open(run);
    expect(await readdir(out)).toEqual([run.name]);
    await folder.release();
    expect(await readdir(out)).toEqual([]);
  });

  it("has a folder of its own beside one that is beginning", async () => {
    const [first, second] = await Promise.all([open(run), open(run)]);
    expect([first.path, second.path].sort()).toEqual(
      ["", "-2"].map((number) => join(out, run.name + number)),
    );
  });

  it("is refused where its folder would be in a file", async () => {
    await mkdir(join(out, ".."), { recursive: true });
    await writeFile(out, "");
    await expect(checkRun(out, run, false)).rejects.toThrow(
      `${out}: must be a folder, got a file.`,
    );
    await expect(openRun(out, run, false)).rejects.toThrow(
      `${out}: must be a folder that can be made, got EEXIST.`,
    );
    await expect(openRun(join(out, "below"), run, false)).rejects.toThrow("ENOTDIR");
  });
});

describe("a run that is to go on", () => {
  it("begins where there is none", async () => {
    await checkRun(out, run, true);
    expect((await open(run, true)).path).toBe(join(out, run.name));
  });

  it("goes on in the latest folder of the same options and seed", async () => {
    for (let i = 0; i < 10; i++) await leave(run, 1);
    await leave(await identityOf({ seed: 2 }), 1);
    const folder = await open(run, true);
    expect(folder.path).toBe(join(out, `${run.name}-10`));
    expect(folder.record?.status).toBe("running");
    expect(await folder.hasEpoch()).toBe(true);
  });

  it("finds what a finished one says, and needs no lock for it", async () => {
    const path = await leave(run, 1, true);
    await writeFile(join(path, "run.lock"), lockOf(process.pid));
    expect((await open(run, true)).record?.results?.epochs).toBe(3);
  });

  it("removes files that were being written when its process was killed", async () => {
    const path = await leave(run, 1);
    for (const name of [".best.keras.4711.3.tmp", ".run.json.4711.0.tmp", "mine.tmp"])
      await writeFile(join(path, name), "half");
    await open(run, true);
    expect((await readdir(path)).sort()).toEqual([
      "last.keras",
      "mine.tmp",
      "run.json",
      "run.lock",
    ]);
  });

  it("is refused beside an unfinished run with other options, which are named", async () => {
    const path = await leave(await identityOf({ epochs: 5, batchSize: 64 }), 1);
    const message =
      `${path}: an unfinished run with --epochs 5, --batch 64 goes on with the same options, got ` +
      "--epochs 100, --batch 32. Give it the same ones, or begin another run without --resume.";
    await expect(checkRun(out, run, true)).rejects.toThrow(message);
    await expect(openRun(out, run, true)).rejects.toThrow(message);
    // Not where it is not to go on.
    await checkRun(out, run, false);
  });

  it.each([
    ["finished", 1, true],
    ["without a whole epoch", 0, false],
  ])("begins beside a run with other options that is %s", async (_, epochs, isFinished) => {
    await leave(await identityOf({ epochs: 5 }), epochs, isFinished);
    expect((await open(run, true)).path).toBe(join(out, run.name));
  });

  it("goes on beside an unfinished run with other options where it has a folder itself", async () => {
    const path = await leave(run, 1);
    await leave(await identityOf({ epochs: 5 }), 1);
    expect((await open(run, true)).path).toBe(path);
  });

  it("is refused where run.json is of another run, broken, or gone", async () => {
    const path = await leave(run, 1);
    const file = join(path, "run.json");
    await writeFile(file, JSON.stringify(recordOf(await identityOf({ epochs: 5 }))));
    await expect(openRun(out, run, true)).rejects.toThrow(
      `${file}: must be the record of ${run.name}, got one with --epochs 5.`,
    );
    await writeFile(file, "");
    await expect(openRun(out, run, true)).rejects.toThrow(`${file}: must be a run's record`);
    await rm(file);
    await expect(openRun(out, run, true)).rejects.toThrow(
      `${file}: must be a run's record, got no such file.`,
    );
    await rm(join(path, "last.keras"));
    expect((await open(run, true)).path).toBe(path);
  });

  const lockOf = (pid: number) => JSON.stringify({ pid, machine: hostname(), token: "another" });

  it("takes over the lock of a process that is dead", async () => {
    const path = await leave(run, 1);
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    await writeFile(join(path, "run.lock"), lockOf(pid));
    expect((await open(run, true)).path).toBe(path);
  });

  it("is refused at once while another process works in the folder", async () => {
    const path = await leave(run, 1);
    const lock = join(path, "run.lock");
    await writeFile(lock, lockOf(process.ppid));
    const beats = setInterval(() => utimesSync(lock, new Date(), new Date()), 100);
    await expect(openRun(out, run, true)).rejects.toThrow(
      `${path}: no other process may work in the folder, got process ${process.ppid}. Wait for it to ` +
        `end, or begin another run without --resume. If there is none, remove ${lock}.`,
    );
    clearInterval(beats);
    expect(await readdir(path)).toContain("run.lock");
  });

  it("removes what a run without a whole epoch has left, when it begins anew", async () => {
    const path = await leave(run, 0);
    for (const name of ["best.keras", "history.csv"]) await writeFile(join(path, name), "");
    await mkdir(join(path, "logs", "train"), { recursive: true });
    const folder = await open(run, true);
    expect(await folder.hasEpoch()).toBe(false);
    await folder.clear();
    expect(await readdir(path)).toEqual(["run.json", "run.lock"]);
  });
});
