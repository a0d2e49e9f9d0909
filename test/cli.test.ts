/** The command's help, wrong use, data and output. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Antler, blackPictures, cifar10Bytes, ended, root, says } from "./command.ts";

let folder: string;
let command: Antler;
const start = (words: readonly string[]) => command.start(words);
const antler = (words: string, variables?: Record<string, string>) => command.run(words, variables);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "antler-cli-"));
  command = new Antler(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("help", () => {
  it("tells the package's version", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(await antler("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it.each([
    ["--help", ["lab", "explain", "Exit codes"]],
    ["lab --help", ["cifar10"]],
    [
      "lab cifar10 --help",
      ["variant", "epochs", "batch", "learning-rate", "seed", "seeds", "threads", "data", "dataset"]
        .concat("limit", "out")
        .map((name) => `--${name} <`)
        .concat("--resume", "--json", "ANTLER_DATA", "antler-lab/cifar10"),
    ],
    ["help explain", ["--batch", "--threads", "--kind", "--profile"]],
  ])("of %s names what there is", async (words, names) => {
    const { code, out, err } = await antler(words);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const name of names) expect(out).toContain(name);
  });

  it("is what a call without a command gets, as wrong use", async () => {
    const { code, out, err } = await antler("");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Usage: antler");
  });
});

describe("wrong use", () => {
  it.each([
    ["lap", "unknown command 'lap' (Did you mean lab?)"],
    ["lab cifar", "unknown command 'cifar' (Did you mean cifar10?)"],
    ["lab cifar10 --epoch 3", "unknown option '--epoch' (Did you mean --epochs?)"],
    ["lab cifar10 --epochs", "option '--epochs <n>' argument missing"],
    ["lab cifar10 --epochs 0", "It must be a whole number of at least 1."],
    ["lab cifar10 --batch 1.5", "It must be a whole number of at least 1."],
    ["lab cifar10 --seed -1", "It must be a whole number from 0 to 9007199254740991."],
    ["lab cifar10 --threads 257", "It must be a whole number from 1 to 256."],
    ["lab cifar10 --learning-rate -0.1", "It must be a number of at least 0"],
    ["lab cifar10 --variant elo", "Did you mean elu?"],
    ["lab cifar10 --variant elu,elo", "Did you mean elu?"],
    ["lab cifar10 --variant bn,elu,bn", "It has bn twice."],
    ["lab cifar10 --variant mc", "Monte Carlo dropout is measured with alpha."],
    ["lab cifar10 --seeds 0", "It must be a whole number from 1 to 10000."],
    ["lab cifar10 --dataset embedded --seed 9007199254740991 --seeds 2", "all seeds must be below"],
    ["lab cifar10 --out", "option '--out <dir>' argument missing"],
    ["lab cifar10 --dataset cifar", "cifar10, embedded, auto. Did you mean cifar10?"],
    ["lab cifar10 more", "too many arguments"],
    [
      "lab cifar10 --dataset embedded --limit 10001",
      "limit must be a whole number from 1 to 10000",
    ],
    ["explain --kind predict", "It must be one of: train, evaluate, mc."],
    ["explain --samples 3", "explain: --samples goes with --kind mc, got --kind train."],
    ["explain --kind mc", "mcPredict: a model whose outputs hang on noise"],
  ])("%s is code 2 and one line", async (words, sentence) => {
    const { code, out, err } = await antler(words);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(sentence);
    expect(err).toMatch(/^error: [^\n]+\n$/);
  });
});

describe("data that is missing or broken", () => {
  const failsWith = async (data: string, ...sentences: string[]) => {
    const { code, out, err } = await antler(`lab cifar10 --limit 32 --json --data ${data}`);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^error: [^\n]+\n$/);
    for (const sentence of sentences) expect(err).toContain(sentence);
  };

  it("a folder that is not there", () => failsWith(join(folder, "nowhere"), "nowhere"));

  it("a file that is missing, cut off, too long, or has a wrong label", async () => {
    const path = blackPictures(join(folder, "broken"));
    const last = join(path, "test_batch.bin");
    rmSync(last);
    await failsWith(path, "test_batch.bin");
    writeFileSync(last, "");
    truncateSync(last, cifar10Bytes - 1);
    await failsWith(path, "test_batch.bin", "truncated");
    truncateSync(last, cifar10Bytes + 1);
    await failsWith(path, "test_batch.bin", "padded");
    writeFileSync(last, Uint8Array.of(10));
    truncateSync(last, cifar10Bytes);
    await failsWith(path, "test_batch.bin", "labels");
  });
});

describe("antler lab cifar10", () => {
  it("prints one JSON object a line, with the promised fields in order", async () => {
    const data = blackPictures(join(folder, "black"));
    const words = "lab cifar10 --limit 64 --epochs 2 --batch 48 --seed 7 --threads 1 --json";
    const { code, out, err } = await antler(words, { ANTLER_DATA: data });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.endsWith("\n")).toBe(true);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => Object.keys(line).join())).toEqual([
      "event,variant,seed,dataset,train,validation,parameters,device,threads,fma,folder",
      ...Array(2).fill(
        "event,variant,seed,epoch,loss,accuracy,valLoss,valAccuracy,learningRate,seconds,msPerStep",
      ),
      "event,variant,seed,epochs,bestEpoch,valLoss,valAccuracy,testLoss,testAccuracy," +
        "microsecondsPerSample,secondsToFirstStep,seconds,weightsHash,secondsPerEpoch,validation," +
        "folder",
    ]);
    const [begin, first, second, result] = lines;
    const run = { variant: "elu", seed: 7 };
    expect(begin).toMatchObject({ event: "start", ...run, dataset: "cifar10", train: 64 });
    expect(begin).toMatchObject({
      validation: 5000,
      parameters: 500210,
      device: "wasm",
      threads: 1,
    });
    expect(typeof begin.fma).toBe("boolean");
    expect(first).toMatchObject({ event: "epoch", ...run, epoch: 1, learningRate: 5e-5 });
    expect(second).toMatchObject({ event: "epoch", ...run, epoch: 2, learningRate: 5e-5 });
    expect(result).toMatchObject({ event: "result", ...run, epochs: 2 });
    expect(result.valLoss).toBe(Math.min(first.valLoss, second.valLoss));
    expect(result.bestEpoch).toBe(first.valLoss <= second.valLoss ? 1 : 2);
    expect(result.weightsHash).toMatch(/^[0-9a-f]{64}$/);
    for (const { msPerStep, seconds } of [first, second]) {
      expect(msPerStep).toBeGreaterThan(0);
      expect(seconds * 1000).toBeGreaterThan(2 * msPerStep);
    }
    expect(result.microsecondsPerSample).toBeGreaterThan(0);
    expect(result.secondsToFirstStep).toBeGreaterThan(0);
    expect(result.seconds).toBeGreaterThan(first.seconds + second.seconds);
  });

  it("says that it trains on generated pictures, in plain lines where no terminal is", async () => {
    const words = "lab cifar10 --limit 64 --epochs 1 --threads 1";
    const { code, out, err } = await antler(words, { FORCE_COLOR: "1" });
    expect(code).toBe(0);
    expect(err).toMatch(/^CIFAR-10 is neither .* embedded pictures.*--dataset cifar10 .*\n$/);
    expect(out).not.toContain("\r");
    expect(out).not.toContain("\x1b");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines[0]).toMatch(/^Net elu, 500,210 parameters, seed 1; wasm, 1 thread/);
    expect(lines[1]).toMatch(/^64 pictures to train and 2,000 to validate, .*not CIFAR-10/);
    expect(lines[2]).toMatch(/^Files in antler-lab.cifar10.elu-seed1-[0-9a-f]{8}$/);
    expect(readdirSync(join(folder, lines[2].slice("Files in ".length)))).toContain("best.keras");
    expect(lines[3]).toMatch(
      /^Epoch 1\/1: 2 steps, .* ms\/step, loss .*, accuracy .*, validation loss .*, validation acc/,
    );
    expect(lines[4]).toMatch(/^Best epoch 1 of 1: validation loss .*; test loss .*, accuracy /);
    expect(lines[8]).toMatch(/^elu +0\.\d{4} +- +1 +0\.4736 +0\.4676-0\.4762 +1 /);
    expect(lines[11]).toBe(
      "The full run: antler lab cifar10 --epochs 100 --threads 1 --dataset cifar10",
    );
  });

  it.each(["", " --json"])("ends on Ctrl-C within a second, with code 130%s", async (json) => {
    const child = start(
      `lab cifar10 --dataset embedded --limit 640 --epochs 1000000 --threads 2${json}`.split(" "),
    );
    const end = ended(child);
    await says(child, json ? '"epoch":1,' : "Epoch 1/");
    const pressed = performance.now();
    child.kill("SIGINT");
    const { code, out, err } = await end;
    expect(performance.now() - pressed).toBeLessThan(1000);
    expect({ code, err }).toEqual({ code: 130, err: "" });
    if (json) for (const line of out.trimEnd().split("\n")) JSON.parse(line);
    else
      expect(out).toMatch(
        /\nInterrupted after epoch \d+; the best was epoch \d+: .*\nTo go on: antler .* --resume\n$/,
      );
  });

  it("ends quietly when nobody reads on", async () => {
    const words = "lab cifar10 --dataset embedded --limit 64 --epochs 1000000 --json";
    const child = start(words.split(" "));
    const end = ended(child);
    await says(child, "\n");
    child.stdout!.destroy();
    const { code, err } = await end;
    expect({ code, err }).toEqual({ code: 1, err: "" });
  });
});

describe("antler explain", () => {
  it("prints passes, kernels and sums of the program", async () => {
    const { code, out, err } = await antler("explain --threads 2");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^elu, train step, batch 32: 2 threads, /);
    for (const heading of ["Passes", "Kernels: ", "Sums over a step"])
      expect(out).toContain(heading);
    expect(out).toMatch(/fused: .*\n/);
    expect(out).toMatch(/split: b 0-16, 16-32\n/);
    // Forward, the gradient of each kernel, and of each layer's inputs but the pictures:
    const widths = [3072, ...Array(20).fill(100), 10];
    const products = widths.slice(1).map((width, i) => width * widths[i]);
    const multiplyAdds = 32 * (3 * products.reduce((sum, n) => sum + n) - products[0]);
    expect(out).toContain(`FLOPs      ${(2 * multiplyAdds).toLocaleString("en-US")} `);
  });

  it("knows the step that evaluates, and one thread", async () => {
    const { out } = await antler("explain --kind evaluate --threads 1 --batch 7");
    expect(out).toMatch(/^elu, evaluate step, batch 7: 1 thread, /);
    expect(out).not.toContain("split:");
  });

  it("adds up trunk and heads of Monte Carlo predict", async () => {
    const { code, out } = await antler("explain --variant alpha --kind mc --threads 1");
    expect(code).toBe(0);
    expect(out).toMatch(/^alpha, trunk of Monte Carlo predict, batch 32: 1 thread, /);
    expect(out).toContain("\nalpha, head of Monte Carlo predict, 4 samples, batch 32: 1 thread, ");
    const trunk = 2 * 32 * (3072 * 100 + 19 * 100 * 100);
    const head = 2 * 32 * 100 * 10;
    const text = (value: number) => value.toLocaleString("en-US");
    expect(out).toContain(`  trunk      ${text(trunk)}, once\n`);
    expect(out).toContain(`  head       ${text(head)} a sample, ${text(100 * head)} for all\n`);
    expect(out).toContain(`  sum        ${text(trunk + 100 * head)}\n`);
    const { out: ten } = await antler("explain --variant alpha --kind mc --samples 10 --batch 1");
    expect(ten).toContain("FLOPs of 10 samples of a batch of 2\n");
    // Three steps of four samples.
    expect(ten).toContain(
      `${text((2 * head) / 32)} a sample, ${text((2 * 12 * head) / 32)} for all`,
    );
  });
});
