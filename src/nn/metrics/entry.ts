/** How a metric of the library is declared. */
import { type Field, type Fields, text, type ValuesOf } from "../fields.ts";
import { Metric, type MetricRule } from "../metric.ts";
import { entry, type Factory } from "../registry.ts";
import { toCamelKey, toSnakeKey } from "../serialization.ts";

/** Options of every metric. */
export interface MetricOptions {
  /** The key in histories. Default: the metric's own name. */
  readonly name?: string;
}

/** Keras's names of metrics where they are not ours in snake case. */
const kerasNames: Readonly<Record<string, string>> = {
  exactAccuracy: "accuracy",
  fBetaScore: "fbeta_score",
  logCoshError: "logcosh",
};

/** The option `name`: in Keras's files in snake case. */
function nameField(entryName: string): Field<string> {
  const keras = kerasNames[entryName] ?? toSnakeKey(entryName);
  return {
    ...text(entryName),
    write: (name) => (name === entryName ? keras : toSnakeKey(name)),
    parse: (name) => {
      if (name === keras) return undefined;
      return typeof name === "string" ? toCamelKey(name) : name;
    },
  };
}

/**
 * A metric that is a rule made of its options.
 *
 * @param create what holds the rule. Default: a `Metric`
 */
export const metric =
  <Options extends MetricOptions = MetricOptions>() =>
  <const F extends Fields<Omit<Options, "name">>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => MetricRule,
    create = (name: string, rule: MetricRule) => new Metric(name, rule),
  ): Factory<Options, Metric> => {
    const all = { ...fields, name: nameField(name) } as unknown as Fields<Options>;
    const factory = entry<Options, Metric>()(name, all, (options) => {
      const { name: _, ...own } = options as unknown as { readonly name: string };
      return create(name, make(own as unknown as ValuesOf<F>));
    }) as unknown as { (options?: object): Metric; readonly fields: Fields };
    const named = (options?: object): Metric => {
      const made = factory(options);
      return Object.assign(made, { entry: name, name: made.options!.name as string });
    };
    return Object.assign(named, { fields: factory.fields }) as unknown as Factory<Options, Metric>;
  };
