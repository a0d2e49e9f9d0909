/** Steps of one kind, loaded for data that lies on the device: one for each size of a batch. */
import { now } from "#host";
import type { TypedArray } from "../base/dtype.ts";
import type { Execution, Table } from "../runtime/engine.ts";
import { type Compiled, chosenMetric } from "./compiled.ts";
import { type StepData, stepShapes } from "./data.ts";
import type { Net } from "./net.ts";
import { Pace } from "./pace.ts";
import { type MetricParts, type StepKind, stepNames } from "./step.ts";
import { type Reported, Totals } from "./totals.ts";

/** A step that can run. */
export interface StepProgram {
  readonly execution: Execution;
  /** Names of the inputs that it needs. */
  readonly inputs: ReadonlySet<string>;
  readonly metrics: readonly MetricParts[];
  readonly pace: Pace;
  run(steps: number, inputs: Record<string, TypedArray>): Promise<Record<string, TypedArray>>;
}

/** Data on the device and the steps that run over it; `close` gives back the memory of both. */
export class Programs {
  readonly #net: Net;
  readonly #kind: StepKind;
  readonly #data: StepData;
  readonly #compiled: Compiled | undefined;
  readonly #tables: Record<string, Table> = {};
  /** By the size of a batch and what is frozen. */
  readonly #programs = new Map<string, StepProgram>();

  private constructor(net: Net, kind: StepKind, data: StepData, compiled: Compiled | undefined) {
    this.#net = net;
    this.#kind = kind;
    this.#data = data;
    this.#compiled = compiled;
  }

  /**
   * Uploads the data; steps are loaded when they are first asked for.
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
      const tables = programs.#tables;
      for (const [i, rows] of data.x.entries())
        tables[stepNames.x(i)] = await net.engine.upload(rows.array);
      for (const [i, rows] of (data.y ?? []).entries())
        if (rows) tables[stepNames.y(i)] = await net.engine.upload(rows.array);
      for (const [i, rows] of (data.weights ?? []).entries())
        if (rows) tables[stepNames.weights(i)] = await net.engine.upload(rows.array);
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
    const execution = await this.#net.engine.load(step.traced, this.#tables);
    const pace = new Pace(step.hostBytes);
    const program: StepProgram = {
      execution,
      inputs: step.inputs,
      metrics: step.metrics,
      pace,
      run: async (steps, inputs) => {
        const start = now();
        const results = await execution.run(steps, inputs);
        pace.took(steps, now() - start);
        return results;
      },
    };
    this.#programs.set(key, program);
    return program;
  }

  close(): void {
    for (const { execution } of this.#programs.values()) execution.close();
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
