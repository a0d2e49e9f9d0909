/** Layers on arrays, without a model. */
import { AntlerError, ShapeError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, isHostArray, toHostArray } from "../base/host-array.ts";
import { checkSeed, seedHigh } from "../base/philox.ts";
import { formatShape } from "../base/shape.ts";
import { evaluate } from "../tensor/eager.ts";
import { inputSource } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type CallContext, ForwardPass } from "./context.ts";
import { checkOutput, type LayerInput, oneForList } from "./layer-shapes.ts";
import { toSnakeCase } from "./names.ts";
import { checkBoolean, checkWhole, settings } from "./options.ts";
import { nextSeed } from "./seed.ts";

/** What is asked of a layer here. */
interface Appliable {
  readonly label: string;
  readonly className: string;
  readonly built: boolean;
  buildFor(shapes: never, context: { path: string; seed: number }): void;
  unbuild(): void;
  call(inputs: never, context: CallContext): Tensor;
}

/** Options of `apply` on arrays. */
export interface ApplyOptions {
  /** Whether noise is on (dropout). Default: false. */
  readonly sampling?: boolean;
  /** Whether normalisation uses the batch, and moves its statistics. Default: false. */
  readonly batchStatistics?: boolean;
  /**
   * Of the noise, and of the weights where the layer is not built yet: a whole number in [0, 2^53).
   * Default: 0 for the noise; weights get the next one after `setRandomSeed`, else a random one.
   */
  readonly seed?: number;
  /** Counts the calls, from 0: another step, other noise. Default: 0. */
  readonly step?: number;
}

/** What `apply` does on arrays. */
export async function applyToArrays(
  layer: Appliable,
  x: ArrayInput | readonly ArrayInput[],
  options: ApplyOptions,
): Promise<HostArray> {
  const who = `${layer.label} apply`;
  const { sampling, batchStatistics, seed, step } = applySettings(options, who);
  const isMany = isListOfArrays(x);
  const arrays = isMany ? x.map((one, i) => toHostArray(one, `${who} input ${i}`)) : [];
  if (!isMany) arrays.push(toHostArray(x as ArrayInput, who));
  for (const { shape } of arrays)
    if (shape.length === 0 || shape.includes(0))
      throw new ShapeError({
        who,
        expected: "at least one sample, [n, ...]",
        received: formatShape(shape),
      });
  const shapes = arrays.map(({ shape }) => shape.slice(1));
  const path = toSnakeCase(layer.className);
  const wasBuilt = layer.built;
  const context = { path, seed: wasBuilt ? 0 : (seed ?? nextSeed()) };
  layer.buildFor((isMany ? shapes : shapes[0]) as never, context);
  const scalars = { seed: (seed ?? 0) >>> 0, seedHigh: seedHigh(seed ?? 0), step };
  const running = evaluate(
    arrays,
    (tensors, trace) => {
      const source = () => inputSource(trace);
      const pass = new ForwardPass({ trace, sampling, batchStatistics, source });
      const y = calledOn(layer, isMany ? tensors : tensors[0]!, pass.contextOf(path));
      checkOutput(layer, y, isMany ? shapes : shapes[0]!, arrays[0]!.shape[0] ?? 1);
      return [y];
    },
    { scalars },
  );
  try {
    return (await running)[0]!;
  } catch (error) {
    // What it was built for may be what did not fit.
    if (!wasBuilt) layer.unbuild();
    throw error;
  }
}

/** What the layer's `call` makes of the inputs; errors of lists that it does not take say so. */
export function calledOn(
  layer: Pick<Appliable, "label" | "call">,
  x: LayerInput,
  context: CallContext,
): Tensor {
  try {
    return layer.call(x as never, context);
  } catch (error) {
    if (error instanceof AntlerError || !Array.isArray(x)) throw error;
    const shapes = (x as readonly Tensor[]).map(({ shape }) => shape.slice(1));
    throw oneForList(error, shapes, layer.label);
  }
}

function applySettings(options: ApplyOptions, who: string) {
  const defaults = { sampling: false, batchStatistics: false, seed: undefined, step: 0 };
  const given = settings<ApplyOptions, typeof defaults>(options, defaults, who);
  checkBoolean(given.sampling, "sampling", who);
  checkBoolean(given.batchStatistics, "batchStatistics", who);
  if (given.seed !== undefined) checkSeed(given.seed, who);
  checkWhole(given.step, "step", who, 0);
  return given;
}

/** Whether a list holds whole arrays, each of which has a shape of its own. */
const isListOfArrays = (x: unknown): x is readonly HostArray[] =>
  Array.isArray(x) && x.length > 0 && x.every(isHostArray);
