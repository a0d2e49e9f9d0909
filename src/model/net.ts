/** A model below its methods: layers, what it was compiled with, its counters, what it is doing. */
import { describe, NameError, StateError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { RecentCache } from "../runtime/cache.ts";
import type { Engine } from "../runtime/engine.ts";
import { Variable } from "../tensor/variable.ts";
import { type Compiled, type CompileOptions, compileFor } from "./compiled.ts";
import { type McStep, recordMcStep } from "./mc-step.ts";
import { recordStep, type Step, type StepKind, type StepShapes } from "./step.ts";
import type { Topology } from "./topology.ts";

/** Recorded steps are large: data of ever other sizes must not pile them up. */
const recentSteps = <T>() => new RecentCache<string, T>(16, () => undefined);

/** A model below its methods. `Model` is one call above, the step graph one below. */
export class Net {
  readonly name: string;
  /** Initial weights are drawn from it, noise and order of a fit too unless that has its own. */
  readonly seed: number;
  readonly topology: Topology;
  /** Train steps made, over all fits: noise is a function of it. */
  readonly step = new Variable({ path: "step", shape: [], dtype: "uint32" });
  /** Epochs begun, over all fits: the order of the samples is a function of it. */
  readonly epoch = new Variable({ path: "epoch", shape: [], dtype: "uint32" });
  /** Steps with noise made outside of training, over all calls: their noise is a function of it. */
  readonly draws = new Variable({ path: "draws", shape: [], dtype: "uint32" });
  /** Recorded steps by kind and shapes; a new `compile` or layer makes them void. */
  #steps = recentSteps<Step>();
  #mcSteps = recentSteps<McStep>();
  readonly #engine: () => Engine;
  #boundEngine: Engine | undefined;
  #compiled: Compiled | undefined;
  #fitting = false;
  #hooks = 0;

  /** Whether users get outputs as a list, however many there are. */
  readonly hasListOfOutputs: boolean;

  constructor(
    topology: Topology,
    name: string,
    seed: number,
    engine: () => Engine,
    hasListOfOutputs = false,
  ) {
    this.hasListOfOutputs = hasListOfOutputs;
    this.topology = topology;
    this.name = name;
    this.seed = seed;
    this.#engine = engine;
    this.buildIfKnown();
  }

  /** Where it runs: chosen at the first use. */
  get engine(): Engine {
    this.#boundEngine ??= this.#engine();
    return this.#boundEngine;
  }

  get weights(): readonly Variable[] {
    return this.topology.layers.flatMap((layer) => layer.weights);
  }

  /** What the model counts: with these and the weights it goes on where it was. */
  get counters(): readonly Variable[] {
    return [this.step, this.epoch, this.draws];
  }

  get trainableWeights(): readonly Variable[] {
    return this.topology.layers.flatMap((layer) => layer.trainableWeights);
  }

  /** Which layers are frozen, as text: one that was frozen or thawed since makes another step. */
  get frozen(): string {
    return this.topology.layers.map(({ trainable }) => (trainable ? "0" : "1")).join("");
  }

  get compiled(): Compiled | undefined {
    return this.#compiled;
  }

  /** What it was compiled with; throws a StateError before `compile`. */
  compiledFor(who: string): Compiled {
    if (this.#compiled) return this.#compiled;
    throw new StateError({
      who,
      expected: "the model must be compiled first",
      received: "a model without optimizer and loss",
      fix: 'Example: model.compile({ optimizer: "nadam", loss: "meanSquaredError" })',
    });
  }

  compile(options: CompileOptions): void {
    this.checkNoFit("compile");
    this.#compiled = compileFor(this.topology.outputs, options);
    this.#forgetSteps();
  }

  /** Builds what the first layer's inputShape lets it. */
  buildIfKnown(): void {
    const { knownInputShapes } = this.topology;
    if (knownInputShapes) this.build(knownInputShapes);
  }

  build(inputShapes: readonly Shape[]): void {
    if (!this.topology.built) this.#forgetSteps();
    this.topology.build(inputShapes, this.seed);
  }

  /**
   * The step of this kind, recorded at most once.
   *
   * @param compiled what the caller began with: a `compile` in the meantime does not change it
   */
  stepOf(kind: StepKind, shapes: StepShapes, compiled = this.#compiled): Step {
    if (compiled !== this.#compiled) return recordStep(this, compiled, kind, shapes);
    const key = JSON.stringify([kind, shapes, this.frozen]);
    const step = this.#steps.get(key) ?? recordStep(this, compiled, kind, shapes);
    this.#steps.set(key, step);
    return step;
  }

  /** The step of Monte Carlo predict for such inputs, recorded at most once. */
  mcStepOf(shapes: Pick<StepShapes, "batch" | "x">): McStep {
    const key = JSON.stringify([shapes, this.frozen]);
    const step = this.#mcSteps.get(key) ?? recordMcStep(this, shapes);
    this.#mcSteps.set(key, step);
    return step;
  }

  #forgetSteps(): void {
    this.#steps = recentSteps();
    this.#mcSteps = recentSteps();
  }

  layerNamed(name: string): AnyLayer {
    const found = this.topology.layers.find((layer) => layer.name === name);
    if (found) return found;
    throw new NameError({
      who: "getLayer",
      expected: "a layer of this model",
      received: describe(name),
      known: this.topology.layers.map((layer) => layer.name),
    });
  }

  /** From now on until `endFit` a fit runs; throws a StateError where one does. */
  beginFit(who: string): void {
    this.checkNoFit(who);
    this.#fitting = true;
  }

  endFit(): void {
    this.#fitting = false;
  }

  checkNoFit(who: string): void {
    if (this.#fitting)
      throw new StateError({
        who,
        expected: "no fit of this model may be running",
        received: "a call while one runs",
        fix: "Await the fit first, or end it with an AbortSignal.",
      });
  }

  /** Throws a StateError where a fit runs and no hook of it is awaited. */
  checkMayWrite(who: string): void {
    if (this.#hooks === 0) this.checkNoFit(who);
  }

  /** Runs a fit's hook: meanwhile weights may be written. */
  async inHook(hook: () => unknown): Promise<void> {
    this.#hooks++;
    try {
      await hook();
    } finally {
      this.#hooks--;
    }
  }
}
