/**
 * A process that times epochs of the exercise's first net, with callbacks and without, in turns: two
 * fits that hand over to each other after each epoch. Its argument is `{ data, threads, epochs }`;
 * descriptor 3 gets `{ bare, full, ends }`: milliseconds of each epoch, and of the hooks at its end.
 */
import { mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callbacks, datasets } from "../../dist/index.js";
import { Net } from "./steps.mjs";

const { data, threads, epochs } = JSON.parse(process.argv[2] ?? "{}");
const folder = mkdtempSync(join(tmpdir(), "antler-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
// The bar is drawn as on a terminal.
process.stdout.isTTY = true;
process.stdout.columns = 80;

/** Who runs an epoch now: one of two fits. */
class Turns {
  #at = 0;
  #waiting = [() => {}, () => {}];
  #ended = [false, false];

  /** @param {number} side */
  async wait(side) {
    while (this.#at !== side)
      await new Promise((resolve) => {
        this.#waiting[side] = () => resolve(undefined);
      });
  }

  /** @param {number} side */
  pass(side, isLast = false) {
    this.#ended[side] = isLast;
    const other = 1 - side;
    this.#at = this.#ended[other] ? side : other;
    this.#waiting[this.#at]();
  }
}

/** The first of a fit's callbacks: an epoch is timed from its begin to the next one's. */
class Timer {
  epochs = [];
  ends = [];
  #turns;
  #side;
  #start = 0;
  #end = 0;

  constructor(turns, side) {
    this.#turns = turns;
    this.#side = side;
  }

  async onEpochBegin() {
    this.#stop(false);
    await this.#turns.wait(this.#side);
    this.#start = performance.now();
  }

  onEpochEnd() {
    this.#end = performance.now();
  }

  onTrainEnd() {
    this.#stop(true);
  }

  #stop(isLast) {
    if (this.#end === 0) return;
    const time = performance.now();
    this.epochs.push(time - this.#start);
    this.ends.push(time - this.#end);
    this.#turns.pass(this.#side, isLast);
  }
}

const { train, validation } = await datasets.cifar10({ folder: data });
const turns = new Turns();

/** @param {readonly object[]} others */
async function timedFit(side, others) {
  const net = new Net(threads);
  const timer = new Timer(turns, side);
  await net.model.fit(train.x, train.y, {
    epochs,
    validationData: [validation.x, validation.y],
    callbacks: [timer, ...others],
  });
  await net.close();
  return timer;
}

/** All that writes, and a checkpoint after each epoch. */
const writing = [
  callbacks.modelCheckpoint(join(folder, "best.keras")),
  callbacks.backupAndRestore(join(folder, "state")),
  callbacks.csvLogger(join(folder, "history.csv")),
  callbacks.tensorBoard(join(folder, "logs")),
  callbacks.progbarLogger(),
];
const [bare, full] = await Promise.all([timedFit(0, []), timedFit(1, writing)]);
writeSync(3, JSON.stringify({ bare: bare.epochs, full: full.epochs, ends: full.ends }));
