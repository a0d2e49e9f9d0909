/** How a loss of the library is declared. */
import { type Fields, number, type ValuesOf } from "../fields.ts";
import {
  applyLoss,
  type LibraryLoss,
  type Loss,
  type LossFunction,
  type Reduction,
  reductionField,
} from "../loss.ts";
import { entry } from "../registry.ts";
import type { TargetKind } from "../targets.ts";

/** Options of every loss. */
export interface LossOptions {
  /** How the values of a batch become its loss. Default: `sumOverBatchSize`. */
  readonly reduction?: Reduction;
}

/** What a loss's options decide, where it is more than a function. */
export type LossRule = Pick<Loss, "call" | "mask"> & { readonly targets?: TargetKind };

/** A loss that is a function of its options, beside `reduction`. */
export const loss =
  <Options extends LossOptions = LossOptions>() =>
  <const F extends Fields<Omit<Options, "reduction">>>(
    name: string,
    targets: TargetKind,
    fields: F,
    make: (options: ValuesOf<F>) => LossFunction | LossRule,
  ) => {
    const all = { ...fields, reduction: reductionField } as unknown as Fields<Options>;
    return entry<Options, LibraryLoss>()(name, all, (options) => {
      const { reduction } = options as unknown as { reduction: Reduction };
      const made = make(options as unknown as ValuesOf<F>);
      const rule = typeof made === "function" ? { call: made } : made;
      const loss: Loss = { name, targets, reduction, ...rule };
      return {
        ...loss,
        reduction,
        apply: (yTrue, yPred, given) => applyLoss(loss, yTrue, yPred, given),
      };
    });
  };

/** The option `labelSmoothing`. */
export const labelSmoothing = () => number(0, { from: 0, to: 1 });
