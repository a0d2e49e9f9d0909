/** A model of a config in a file. */

import type { H5Group } from "../../formats/hdf5.ts";
import { compileOptions } from "../../model/compile-config.ts";
import type { CompileOptions } from "../../model/compiled.ts";
import { Net } from "../../model/net.ts";
import { configuredModel } from "../../model/read-config.ts";
import type { CustomObjects } from "../../nn/fields.ts";
import { withinNumbers } from "../../nn/layer-shapes.ts";
import { nextSeed } from "../../nn/seed.ts";
import { defaultEngine, type Engine } from "../../runtime/engine.ts";
import type { AntlerEntry } from "./antler-entry.ts";
import { advising, naming } from "./named-errors.ts";

const withoutCompile = "Or load the model without what it was trained with: { compile: false }.";

/** How a model is made of a file. */
export interface LoadNetOptions {
  /** Whether it is compiled as the saved one was. */
  readonly compile: boolean;
  readonly customObjects: CustomObjects;
  /** Default: the file's, else the next one. */
  readonly seed: number | undefined;
  readonly engine: Engine | undefined;
  /** Whether weights may hold NaN and infinities. */
  readonly allowNonFinite: boolean;
}

type Config = Readonly<Record<string, unknown>>;

/**
 * The model of a config, with weights that are drawn anew.
 *
 * @param config as `modelConfig` has it; what it is trained with in `compile_config`
 * @param antler what the file has beside it
 * @param who the file, for messages
 * @param root of the file's arrays: the layers may not ask for far more
 */
export function netOfConfig(
  config: Config,
  { compile, customObjects, seed, engine }: LoadNetOptions,
  who: string,
  antler: AntlerEntry | undefined,
  root: H5Group,
): Promise<Net> {
  const make = () => {
    const { topology, name, hasListOfOutputs } = configuredModel(config, customObjects);
    const isList = hasListOfOutputs || antler?.hasListOfOutputs === true;
    const chosen = seed ?? antler?.seed ?? nextSeed();
    const net = new Net(topology, name, chosen, engine ? () => engine : defaultEngine, isList);
    const read = () => compileOptions(trainedWith(config, antler), customObjects);
    const options = compile && advising(withoutCompile, read);
    if (options) compileNet(net, options, antler);
    return net;
  };
  // Twice as many and some more: what is only a little wrong is told by name.
  const most = 2 * numbersIn(root) + 2 ** 20;
  return naming(who, "the model's config", () => withinNumbers(most, make));
}

function numbersIn({ children }: H5Group): number {
  return Object.values(children).reduce(
    (sum, child) => sum + (child.kind === "group" ? numbersIn(child) : child.data.length),
    0,
  );
}

/** Keras's config, with our own of the optimizer where there is one. */
function trainedWith(
  { compile_config: compiled }: Config,
  antler: AntlerEntry | undefined,
): unknown {
  if (antler?.optimizer === undefined || !compiled) return compiled;
  return { ...compiled, optimizer: antler.optimizer };
}

function compileNet(net: Net, options: CompileOptions, antler: AntlerEntry | undefined): void {
  net.compile(options);
  const trained = net.weights.filter(({ trainable }) => trainable);
  const variables = (antler?.undecayed ?? []).flatMap((i) => trained[i] ?? []);
  if (variables.length > 0) net.compiled!.optimizer.excludeFromWeightDecay({ variables });
}
