/** What callbacks watch: a value of the logs, and whether it has improved. */
import { NameError, ValueError } from "../../base/errors.ts";
import type { Compiled } from "../../model/compiled.ts";
import type { Logs } from "../../model/totals.ts";
import { choice, type Field, number, text } from "../../nn/fields.ts";
import { toSnakeKey } from "../../nn/serialization.ts";
import type { TrainedModel } from "../callbacks.ts";
import { type Direction, directions } from "./directions.ts";

/** Options of every callback that watches a value. */
export interface MonitorOptions {
  /**
   * A key of the logs, e.g. `valAccuracy`; Keras's spelling (`val_accuracy`) is taken, too.
   * Default: `valLoss`.
   */
  readonly monitor?: string;
  /**
   * Whether less (`min`) or more (`max`) is better; `auto`: less of a loss, and of a metric of the
   * library what it is made for. Default: `auto`.
   */
  readonly mode?: "auto" | Direction;
  /** By how much a value must be better to count; its sign does not matter. Default: 0. */
  readonly minDelta?: number;
}

/** The fields of these options. */
export const monitorFields = (minDelta: number) => ({
  monitor: text("valLoss"),
  mode: choice(["auto", "min", "max"], "auto") as Field<"auto" | Direction>,
  minDelta: number(minDelta),
});

/** One value of the logs: its direction, and comparisons in float32, as Keras's. */
export class Monitor {
  readonly #who: string;
  readonly #name: string;
  readonly #mode: "auto" | Direction;
  readonly #minDelta: number;
  readonly #ifMissing: string;
  #direction: Direction | undefined;
  #hasWarned = false;

  /** @param ifMissing a sentence: what comes of it where the logs have no such value */
  constructor(
    who: string,
    { monitor, mode, minDelta }: Required<MonitorOptions>,
    ifMissing = "Epochs without it do not count.",
  ) {
    this.#who = who;
    this.#ifMissing = ifMissing;
    this.#name = monitor;
    this.#mode = mode;
    this.#minDelta = Math.abs(minDelta);
  }

  /**
   * At the start of a fit. (Keras looks for the direction after the first epoch.)
   *
   * @throws ValueError where `mode` is `auto` and nobody knows the direction
   */
  begin(model: TrainedModel): void {
    this.#hasWarned = false;
    this.#direction = this.#mode === "auto" ? this.#directionIn(model) : this.#mode;
  }

  #directionIn(model: TrainedModel): Direction {
    const name = toSnakeKey(this.#name).replace(/^val_/, "");
    const compiled = model.net.compiledFor("fit");
    const direction = name === "loss" ? "min" : directionOf(name, compiled);
    if (direction) return direction;
    const known = [
      "loss",
      ...[...compiled.losses, ...compiled.metrics].flatMap((one) => one.name ?? []),
    ];
    throw new ValueError({
      who: this.#who,
      expected: `mode must be "min" or "max" for a monitor whose direction is not known`,
      received: `"auto" for "${this.#name}"`,
      fix: `Example: { mode: "max" } where more is better. The model has ${known.join(", ")}.`,
    });
  }

  /** Its value; undefined where the logs have none, which is told once in a fit. */
  valueIn(logs: Logs): number | undefined {
    const wanted = toSnakeKey(this.#name);
    const key = Object.hasOwn(logs, this.#name)
      ? this.#name
      : Object.keys(logs).find((k) => toSnakeKey(k) === wanted);
    if (key !== undefined) return logs[key];
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      console.warn(this.#missing(logs));
    }
    return undefined;
  }

  #missing(logs: Logs): string {
    const { message } = new NameError({
      who: this.#who,
      expected: "monitor must be in the logs",
      received: `"${this.#name}"`,
      known: Object.keys(logs),
      fix: `In the logs: ${Object.keys(logs).join(", ")}.`,
    });
    return `${message} ${this.#ifMissing}`;
  }

  /**
   * Whether a value is better than another one by more than `minDelta`: anything is better than
   * nothing, and nothing is better than NaN.
   */
  isImprovement(value: number, reference: number | undefined): boolean {
    if (reference === undefined) return true;
    return this.#direction === "max"
      ? Math.fround(value - this.#minDelta) > Math.fround(reference)
      : Math.fround(value + this.#minDelta) < Math.fround(reference);
  }
}

/**
 * The direction of what the logs call so: the loss of an output, or a metric, of whose numbers
 * (`f1Score_0`) each is meant. (Keras knows those of models with one output only.)
 */
function directionOf(name: string, { losses, metrics }: Compiled): Direction | undefined {
  if (losses.some((loss) => loss.name !== undefined && toSnakeKey(loss.name) === name))
    return "min";
  const isMeant = (key: string) => key === name || key === name.replace(/_\d+$/, "");
  const found = metrics.find((metric) => isMeant(toSnakeKey(metric.name)));
  const entry = found?.metric.entry;
  return entry !== undefined && Object.hasOwn(directions, entry)
    ? directions[entry as keyof typeof directions]
    : undefined;
}
