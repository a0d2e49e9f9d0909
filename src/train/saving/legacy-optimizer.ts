/** The state of an optimizer in `.h5` files: of Keras 3, of tf_keras, and of its older optimizers. */
import { DataError, describe } from "../../base/errors.ts";
import type { H5Dataset, H5Group } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import type { Optimizer } from "../../nn/optimizer.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { Source } from "./checks.ts";
import { childAt, datasetAt, groupIn, readList } from "./legacy-tree.ts";
import { type OptimizerState, OtherOptimizer, readOptimizer } from "./optimizer-state.ts";

const place = "optimizer_weights";
const fix = "Load the model with { compile: false }, weights with { optimizer: false }.";

/** What tf_keras's older optimizers call the slots that have other names in Keras 3. */
const oldSlots: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  adam: { momentum: "m", velocity: "v", velocity_hat: "vhat" },
  nadam: { momentum: "m", velocity: "v" },
  adamax: { momentum: "m", norm: "v" },
  rmsprop: { velocity: "rms", average_gradient: "mg" },
  adadelta: { accumulated_grad: "accum_grad", accumulated_delta_var: "accum_var" },
};

/** An array and its name in the file. */
interface NamedSet {
  readonly name: string;
  readonly set: H5Dataset;
}

/**
 * The state that a whole model as `.h5` has for the optimizer that a model is compiled with;
 * undefined where it has none.
 *
 * @throws DataError, ShapeError where it does not fit
 */
export function readLegacyOptimizer(
  net: Net,
  root: H5Group,
  source: Source,
): OptimizerState | undefined {
  if (!childAt(root, place)) return undefined;
  const group = groupIn(root, place, source);
  const names = readList(group, "weight_names", place, source.who);
  if (names.length === 0) return undefined;
  const all = names.map((name): NamedSet => {
    const set = datasetAt(group, name);
    if (set) return { name, set };
    throw new DataError({
      who: source.who,
      expected: `${place} must hold ${name}`,
      received: "nothing there",
      fix,
    });
  });
  const { optimizer } = net.compiledFor(source.who);
  const sets = isOld(all) ? fromOld(net, optimizer, all, source) : all.map(({ set }) => set);
  return readOptimizer(net, sets, source);
}

/** `Adam/iter:0`: tf_keras's older optimizers count so. The newer ones and Keras 3: `iteration`. */
const isOld = ([first]: readonly NamedSet[]): boolean => /(^|\/)iter(:0)?$/.test(first.name);

/**
 * In Keras 3's order. The older optimizers have the first slot of all weights, then the second one,
 * and Nadam its momentum product, which follows from the steps.
 */
function fromOld(
  net: Net,
  optimizer: Optimizer,
  [count, ...others]: readonly NamedSet[],
  { who }: Source,
): H5Dataset[] {
  const bySlot = new Map<string, H5Dataset[]>();
  for (const { name, set } of others) {
    const slot = name.slice(name.lastIndexOf("/") + 1).replace(/:\d+$/, "");
    if (slot === "momentum_cache") continue;
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), set]);
  }
  const names = oldSlots[optimizer.entry ?? ""] ?? {};
  const slots = optimizer.slotNames.map((slot) => ({ slot, old: names[slot] ?? slot }));
  const [length = 0] = [...bySlot.values()].map((list) => list.length);
  const fits =
    bySlot.size === slots.length && slots.every(({ old }) => bySlot.get(old)?.length === length);
  if (!fits)
    throw new OtherOptimizer({
      who,
      expected: `${place} must hold ${slots.map(({ old }) => old).join(", ") || "iter alone"} of every weight for ${optimizer.name}`,
      received: [...bySlot].map(([slot, list]) => `${list.length} of ${slot}`).join(", ") || "none",
      fix,
    });
  const weights = weightsWith(net, length, who);
  const byName = new Map<string, H5Dataset>();
  for (const { slot, old } of slots)
    for (const [i, set] of bySlot.get(old)!.entries())
      byName.set(`${weights[i].path.replaceAll("/", "_")}_${slot}`, set);
  const ordered = optimizer.entriesOf(weights).flatMap(({ name }) => byName.get(name) ?? []);
  return [count.set, ...ordered];
}

/** The weights that state for so many belongs to: those that are trained, or all that could be. */
function weightsWith(net: Net, count: number, who: string): readonly Variable[] {
  const all = net.weights.filter((weight) => weight.trainable);
  const lists = [net.trainableWeights, all];
  const found = count === 0 ? [] : lists.find((list) => list.length === count);
  if (found) return found;
  throw new OtherOptimizer({
    who,
    expected: `${place} must hold state of ${net.trainableWeights.length} weights`,
    received: describe(count),
    fix,
  });
}
