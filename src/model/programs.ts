/** Steps of one kind, loaded for data that lies on the device: one for each size of a batch. */
import { now } from "#host";
import type { TypedArray } from "../base/dtype.ts";
import { chooseMetric } from "../nn/metrics.ts";
import type { Execution, Table } from "../runtime/engine.ts";
import type { Rows } from "./data.ts";
import type { Net } from "./net.ts";
import { Pace } from "./pace.ts";
import type { Compiled, StepKind } from "./step.ts";
import { Totals } from "./totals.ts";

/** A step that can run. */
export interface StepProgram {
  readonly execution: Execution;
  /** Names of the inputs that it needs. */
  readonly inputs: ReadonlySet<string>;
  readonly pace: Pace;
  run(steps: number, inputs: Record<string, TypedArray>): Promise<Record<string, TypedArray>>;
}

/** Data on the device and the steps that run over it; `close` gives back the memory of both. */
export class Programs {
  readonly #net: Net;
  readonly #kind: StepKind;
  readonly #x: Rows;
  readonly #y: Rows | undefined;
  readonly #compiled: Compiled | undefined;
  readonly #tables: Record<string, Table> = {};
  readonly #programs = new Map<number, StepProgram>();

  private constructor(net: Net, kind: StepKind, x: Rows, y: Rows | undefined) {
    this.#net = net;
    this.#kind = kind;
    this.#x = x;
    this.#y = y;
    this.#compiled = net.compiled;
  }

  /** Uploads the data; steps are loaded when they are first asked for. */
  static async open(net: Net, kind: StepKind, x: Rows, y?: Rows): Promise<Programs> {
    const programs = new Programs(net, kind, x, y);
    try {
      programs.#tables.x = await net.engine.upload(x.array);
      if (y) programs.#tables.y = await net.engine.upload(y.array);
      return programs;
    } catch (error) {
      programs.close();
      throw error;
    }
  }

  /** Rows of the data. */
  get rows(): number {
    return this.#x.count;
  }

  /** Empty totals for what its steps report. */
  totals(): Totals {
    const target = this.#y?.type.shape ?? [];
    const shapes = { target, output: this.#net.topology.outputShape };
    const metrics = this.#compiled?.metrics ?? [];
    return new Totals(metrics.map((metric) => chooseMetric(metric, shapes)));
  }

  async of(batch: number): Promise<StepProgram> {
    const known = this.#programs.get(batch);
    if (known) return known;
    const shapes = { batch, x: this.#x.type, ...(this.#y && { y: this.#y.type }) };
    const step = this.#net.stepOf(this.#kind, shapes, this.#compiled);
    const execution = await this.#net.engine.load(step.traced, this.#tables);
    const pace = new Pace(step.hostBytes);
    const program: StepProgram = {
      execution,
      inputs: step.inputs,
      pace,
      run: async (steps, inputs) => {
        const start = now();
        const results = await execution.run(steps, inputs);
        pace.took(steps, now() - start);
        return results;
      },
    };
    this.#programs.set(batch, program);
    return program;
  }

  close(): void {
    for (const { execution } of this.#programs.values()) execution.close();
    for (const table of Object.values(this.#tables)) table.release();
  }
}
