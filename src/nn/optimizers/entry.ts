/** How an optimizer of the library is declared. */
import { type Field, type Fields, text, type ValuesOf } from "../fields.ts";
import { Optimizer } from "../optimizer.ts";
import { entry, type Factory } from "../registry.ts";
import { type LearningRateInput, rateField, type Schedule } from "../schedules.ts";
import { toSnakeKey } from "../serialization.ts";
import type { Transform } from "../transforms/transform.ts";
import { type CommonOptions, type CommonSettings, commonFields } from "./common.ts";

/** Options that every optimizer of the library has. */
export interface BaseOptions extends CommonOptions {
  /**
   * A finite number of at least 0, or a schedule: one of `schedules` or a function of the count of
   * steps done. Default: 0.001; SGD 0.01.
   */
  readonly learningRate?: LearningRateInput;
  /** For messages, and in front of the paths of its state. Default: as in `optimizers`. */
  readonly name?: string;
}

/** What an optimizer is, given its options. */
export interface Chain {
  readonly transforms: readonly Transform[];
  /** Slots that Keras's files keep side by side for each weight. Default: all. */
  readonly slotGroups?: readonly (readonly string[])[];
}

/** Keras's names of optimizers where they are not the entry's in snake case. */
const kerasNames: Readonly<Record<string, string>> = { rmsprop: "rm_sprop" };

/** The option `name`: what Keras makes up for unnamed ones (`adam_3`) is no name. */
function nameField(entryName: string): Field<string> {
  const keras = kerasNames[entryName] ?? toSnakeKey(entryName);
  const madeUp = new RegExp(`^(${keras}|${entryName})(_\\d+)?$`, "i");
  return {
    ...text(entryName),
    write: (name) => (name === entryName ? keras : name),
    parse: (name) => (typeof name === "string" && madeUp.test(name) ? undefined : name),
  };
}

/**
 * An optimizer that is a chain made of its options.
 *
 * @param learningRate the default
 * @param make the chain, given all options, and whether the rate's schedule cycles the momentum
 */
export const optimizer =
  <Options extends BaseOptions = BaseOptions>() =>
  <const F extends Fields<Omit<Options, keyof BaseOptions>>>(
    name: string,
    learningRate: number,
    fields: F,
    make: (options: ValuesOf<F>, isCycled: boolean) => Chain,
    weightDecay: Field<number | undefined> = commonFields.weightDecay,
  ): Factory<Options, Optimizer> => {
    const all = {
      name: nameField(name),
      learningRate: rateField(learningRate),
      ...commonFields,
      weightDecay,
      ...fields,
    } as unknown as Fields<Options>;
    const factory = entry<Options, Optimizer>()(name, all, (options) => {
      const given = options as unknown as CommonSettings & {
        readonly name: string;
        readonly learningRate: number | Schedule;
      };
      const { learningRate: rate } = given;
      const isCycled = typeof rate !== "number" && rate.momentum !== undefined;
      const common = Object.keys(commonFields).map((key) => [
        key,
        given[key as keyof CommonSettings],
      ]);
      return new Optimizer({
        ...Object.fromEntries(common),
        ...make(options as unknown as ValuesOf<F>, isCycled),
        name: given.name,
        learningRate: rate,
      });
    }) as unknown as { (options?: object): Optimizer; readonly fields: Fields };
    const named = (options?: object): Optimizer => {
      const made = factory(options);
      return Object.assign(made, { entry: name, name: made.options!.name as string });
    };
    return Object.assign(named, { fields: factory.fields }) as unknown as Factory<
      Options,
      Optimizer
    >;
  };

/** A decay of a mean, in [0, 1). */
export const decayRange = { from: 0, below: 1 } as const;
