/** Our side of a train step: the lab's net on a resident set of random bytes. */
import { permutation } from "../../dist/base/philox.js";
import { variantModel } from "../../dist/lab/variants.js";
import { stepData } from "../../dist/model/data.js";
import { Programs } from "../../dist/model/programs.js";
import { Engine } from "../../dist/runtime/engine.js";
import { stepInputs } from "../../dist/train/step-inputs.js";

const imageShape = [32, 32, 3];
const imageBytes = 3072;
const seed = 1;

/** Steps before anything is measured: the engine replaces its quick first code after some calls. */
const warmSteps = 60;

/**
 * Random images and labels of ten classes.
 *
 * @param {number} count
 */
export function randomImages(count) {
  // Marsaglia's xorshift, 32 bits: speed is all that matters here.
  const words = new Uint32Array((count * imageBytes) / 4);
  let state = 2463534242;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  const labels = Uint8Array.from({ length: count }, (_, i) => words[i] % 10);
  return {
    x: { data: new Uint8Array(words.buffer), shape: [count, ...imageShape] },
    y: { data: labels, shape: [count] },
  };
}

/**
 * The largest set of whole batches in so many images.
 *
 * @param {number} images
 * @param {number} batch
 */
export const wholeBatches = (images, batch) => Math.floor(images / batch) * batch;

/**
 * Steps that are timed together: about 10 ms of work, which is what `fit` puts into a call. A fixed
 * number, so that the sides of a comparison are smoothed alike.
 *
 * @param {number} batch
 */
export const stepsPerCall = (batch) => Math.ceil(160 / batch);

/** An engine with one of the lab's nets. */
export class Net {
  /**
   * @param {number} threads
   * @param {import("../../dist/lab/settings.js").VariantName} variant
   */
  constructor(threads, variant = "elu") {
    this.engine = new Engine({ threads });
    this.model = variantModel(variant, { seed, engine: this.engine });
  }

  close() {
    return this.engine.close();
  }
}

/** Train steps through `execution.run` of the engine, rows in random order. */
export class EngineSteps {
  #net;
  #batch;
  #programs;
  #program;
  /** @type {Uint32Array<ArrayBuffer>} */
  #order;
  #at = 0;

  /**
   * @param {Net} net
   * @param {number} batch
   * @param {Programs} programs
   * @param {import("../../dist/model/programs.js").StepProgram} program
   */
  constructor(net, batch, programs, program) {
    this.#net = net;
    this.#batch = batch;
    this.#programs = programs;
    this.#program = program;
    this.#order = Uint32Array.from(permutation(seed, "bench", 0, programs.rows));
  }

  /**
   * Loads the step and runs it until it is warm.
   *
   * @param {Net} net
   * @param {number} batch
   * @param {ReturnType<typeof randomImages>} images
   */
  static async open(net, batch, { x, y }) {
    const inner = net.model.net;
    const data = stepData(x, y, {}, inner.topology, inner.compiledFor("bench"), "bench");
    const programs = await Programs.open(inner, "train", data);
    const steps = new EngineSteps(net, batch, programs, await programs.of(batch));
    const count = stepsPerCall(batch);
    for (let done = 0; done < warmSteps; done += count) await steps.run(count);
    return steps;
  }

  get threads() {
    return this.#program.execution.threads;
  }

  /**
   * Milliseconds of a call of so many steps, the tables of their inputs not in.
   *
   * @param {number} count
   */
  async run(count) {
    const { optimizer } = this.#net.model;
    const rows = new Uint32Array(count * this.#batch);
    for (let i = 0; i < rows.length; i++) {
      if (this.#at === this.#order.length) this.#at = 0;
      rows[i] = this.#order[this.#at++];
    }
    const inputs = { ...(await stepInputs(optimizer, seed, this.#program, count)), rows };
    const start = performance.now();
    await this.#program.run(count, inputs);
    return performance.now() - start;
  }

  /**
   * Milliseconds per step of each call, for about so many milliseconds.
   *
   * @param {number} milliseconds
   * @returns {Promise<number[]>}
   */
  async runFor(milliseconds) {
    const count = stepsPerCall(this.#batch);
    const times = [];
    const end = performance.now() + milliseconds;
    do times.push((await this.run(count)) / count);
    while (performance.now() < end);
    return times;
  }

  close() {
    this.#programs.close();
  }
}

/**
 * One epoch through the public `fit`: milliseconds per step of its training part, and of each run
 * of calls that makes up `stepsPerCall`, with all that `fit` does between two of them.
 *
 * @param {Net} net
 * @param {number} batch
 * @param {ReturnType<typeof randomImages>} images
 * @returns {Promise<{ epoch: number, calls: number[] }>}
 */
export async function fitEpoch({ model }, batch, { x, y }) {
  let start = 0;
  let end = 0;
  let steps = 0;
  /** @type {{ step: number, at: number }[]} */
  const marks = [];
  await model.fit(x, y, {
    batchSize: batch,
    callbacks: [
      {
        onEpochBegin() {
          start = performance.now();
        },
        // Asked before each call. It never stops: the calls are as long as without it.
        nextStop(step) {
          marks.push({ step, at: performance.now() });
          return Number.POSITIVE_INFINITY;
        },
        onEpochEnd() {
          end = performance.now();
          steps = this.params.steps;
        },
      },
    ],
  });
  return { epoch: (end - start) / steps, calls: timesBetween(marks, stepsPerCall(batch)) };
}

/**
 * Milliseconds per step from mark to mark, at least so many steps apart.
 *
 * @param {readonly { step: number, at: number }[]} marks
 * @param {number} steps
 */
function timesBetween(marks, steps) {
  const times = [];
  let [last] = marks;
  for (const mark of marks) {
    if (mark.step - last.step < steps) continue;
    times.push((mark.at - last.at) / (mark.step - last.step));
    last = mark;
  }
  return times;
}
