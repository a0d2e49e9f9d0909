import { describe, expect, it } from "vitest";
import { fullRun, goingOn, type LabFlags } from "./command-line.ts";

const flags: LabFlags = {
  variant: ["elu"],
  epochs: 3,
  batch: 32,
  seed: 1,
  seeds: 1,
  dataset: "auto",
  out: "antler-lab/cifar10",
};
const shell =
  (variables: Record<string, string> = {}) =>
  (name: string) =>
    variables[name];

describe("the command for the full run", () => {
  it("asks for all epochs and for the pictures that were missing", () => {
    const full = "antler lab cifar10 --epochs 100";
    expect(fullRun(flags, "embedded", shell())).toBe(`${full} --dataset cifar10`);
    expect(fullRun(flags, "cifar10", shell())).toBe(full);
  });

  it("is called as this run was", () => {
    const called = (by: string) => fullRun(flags, "embedded", shell({ npm_lifecycle_event: by }));
    expect(called("lab")).toBe("npm run lab -- --epochs 100 --dataset cifar10");
    expect(called("npx")).toBe("npx antler lab cifar10 --epochs 100 --dataset cifar10");
  });

  it("keeps what was asked for, and lets all pictures in", () => {
    const asked = { batch: 64, learningRate: 1e-4, seed: 7, threads: 2, data: "my data", limit: 9 };
    expect(fullRun({ ...flags, ...asked }, "cifar10", shell())).toBe(
      "antler lab cifar10 --epochs 100 --batch 64 --learning-rate 0.0001 --seed 7 --threads 2 " +
        "--data 'my data'",
    );
  });

  it("leaves a folder out that the environment names", () => {
    const found = fullRun({ ...flags, data: "here" }, "cifar10", shell({ ANTLER_DATA: "here" }));
    expect(found).toBe("antler lab cifar10 --epochs 100");
  });

  it("lets each of several nets have its own number of epochs", () => {
    const several = { ...flags, variant: ["elu", "onecycle"], seeds: 5, out: "runs" } as const;
    const full = "--variant elu,onecycle --batch 32 --seeds 5 --out runs";
    expect(fullRun(several, "cifar10", shell())).toBe(`antler lab cifar10 ${full}`);
    // The package's script has a number of epochs in it.
    expect(fullRun(several, "cifar10", shell({ npm_lifecycle_event: "lab" }))).toBe(
      `node dist/cli/main.js lab cifar10 ${full}`,
    );
  });

  it("does not go on where this run was", () => {
    expect(fullRun({ ...flags, resume: true }, "cifar10", shell())).not.toContain("--resume");
  });

  it("is not told after a full run", () => {
    expect(fullRun({ ...flags, epochs: 100, data: "here" }, "cifar10", shell())).toBeUndefined();
    expect(
      fullRun({ ...flags, epochs: 100, dataset: "cifar10" }, "cifar10", shell()),
    ).toBeUndefined();
    expect(fullRun({ ...flags, epochs: 100 }, "cifar10", shell())).toBeUndefined();
    const embedded = { ...flags, epochs: 100, dataset: "embedded" } as const;
    expect(fullRun(embedded, "embedded", shell())).toBeUndefined();
    const limited = { ...flags, epochs: 100, data: "here", limit: 64 };
    expect(fullRun(limited, "cifar10", shell())).toBeDefined();
  });
});

describe("the command by which a run goes on", () => {
  it("has all that the run was asked for", () => {
    const { epochs, ...rest } = flags;
    expect(goingOn(rest, shell())).toBe("antler lab cifar10 --resume");
    const asked = { ...flags, variant: ["bn", "alpha"], limit: 320, out: "my runs" } as const;
    expect(goingOn(asked, shell())).toBe(
      "antler lab cifar10 --variant bn,alpha --epochs 3 --batch 32 --limit 320 --out 'my runs' --resume",
    );
    const called = shell({ npm_lifecycle_event: "lab" });
    expect(goingOn(flags, called)).toBe("npm run lab -- --epochs 3 --resume");
  });
});
