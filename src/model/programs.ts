/** Steps of one kind, loaded for one set of data: one for each size of a batch. */
import { now } from "#host";
import type { TypedArray } from "../base/dtype.ts";
import type { Execution, Table } from "../runtime/engine.ts";
import { type Compiled, chosenMetric } from "./compiled.ts";
import { type StepData, stepShapes } from "./data.ts";
import type { Net } from "./net.ts";
import { Pace } from "./pace.ts";
import { type MetricParts, type StepKind, stepNames } from "./step.ts";
import { type Reported, Totals } from "./totals.ts";
import { bytesOfData, tableRows, Window } from "./window.ts";

/** A step that can run. */
export interface StepProgram {
  readonly execution: Execution;
  /** Names of the inputs that it needs. */
  readonly inputs: ReadonlySet<string>;
  readonly metrics: readonly MetricParts[];
  readonly pace: Pace;
  run(steps: number, inputs: Record<string, TypedArray>): Promise<Record<string, TypedArray>>;
}

/**
 * Data and the steps that run over it; `close` gives back the memory of both. The data lies on the
 * device; where that would be more than `engine.residentBytes`, it stays in its host arrays, which
 * must not change meanwhile, and each call brings its rows. That changes no bit.
 */
export class Programs {
  readonly #net: Net;
  readonly #kind: StepKind;
  readonly #data: StepData;
  readonly #compiled: Compiled | undefined;
  readonly #tables: Record<string, Table> = {};
  readonly #isResident: boolean;
  /** By the size of a batch, of data that is not resident. */
  readonly #windows = new Map<number, Window>();
  /** By the size of a batch and what is frozen. */
  readonly #programs = new Map<string, StepProgram>();

  private constructor(net: Net, kind: StepKind, data: StepData, compiled: Compiled | undefined) {
    this.#net = net;
    this.#kind = kind;
    this.#data = data;
    this.#compiled = compiled;
    this.#isResident = bytesOfData(data) <= net.engine.residentBytes;
  }

  /**
   * Uploads the data, where it is to be resident; steps are loaded when they are first asked for.
   *
   * @param compiled what the caller began with
   */
  static async open(
    net: Net,
    kind: StepKind,
    data: StepData,
    compiled = net.compiled,
  ): Promise<Programs> {
    const programs = new Programs(net, kind, data, compiled);
    try {
      if (programs.#isResident)
        for (const [name, { array }] of tableRows(data))
          programs.#tables[name] = await net.engine.upload(array);
      return programs;
    } catch (error) {
      programs.close();
      throw error;
    }
  }

  /** Rows of the data. */
  get rows(): number {
    return this.#data.count;
  }

  /** The model's. */
  get seed(): number {
    return this.#net.seed;
  }

  /** Empty totals for what its steps report. */
  totals(): Totals {
    const compiled = this.#compiled;
    return new Totals(
      compiled ? reportedBy(compiled, this.#net, this.#data) : { losses: [], metrics: [] },
    );
  }

  async of(batch: number): Promise<StepProgram> {
    const key = `${batch} ${this.#net.frozen}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const shapes = stepShapes(batch, this.#data);
    const step = this.#net.stepOf(this.#kind, shapes, this.#compiled);
    const window = await this.#windowFor(batch);
    const execution = await this.#net.engine.load(step.traced, window?.tables ?? this.#tables);
    const pace = new Pace(step.hostBytes, window?.steps);
    const program: StepProgram = {
      execution,
      inputs: step.inputs,
      metrics: step.metrics,
      pace,
      run: async (steps, inputs) => {
        const start = now();
        const rows = await window?.bring(inputs[stepNames.rows]);
        const given = rows ? { ...inputs, [stepNames.rows]: rows } : inputs;
        const results = await execution.run(steps, given);
        pace.took(steps, now() - start);
        return results;
      },
    };
    this.#programs.set(key, program);
    return program;
  }

  /** Undefined where the data is resident. */
  async #windowFor(batch: number): Promise<Window | undefined> {
    if (this.#isResident) return undefined;
    const known = this.#windows.get(batch);
    if (known) return known;
    const window = await Window.open(this.#net.engine, this.#data, batch);
    this.#windows.set(batch, window);
    return window;
  }

  close(): void {
    for (const { execution } of this.#programs.values()) execution.close();
    for (const window of this.#windows.values()) window.close();
    for (const table of Object.values(this.#tables)) table.release();
  }
}

/** Keys and rules of what steps over this data report. */
function reportedBy(compiled: Compiled, net: Net, { y = [] }: StepData): Reported {
  const { outputShapes } = net.topology;
  const shapes = y.map((rows, i) => ({
    target: rows?.type.shape ?? outputShapes[i],
    output: outputShapes[i],
  }));
  return {
    losses: compiled.losses.map(({ name }) => name),
    metrics: compiled.metrics.map((one) => ({
      name: one.name,
      metric: chosenMetric(one, shapes),
    })),
  };
}
