/**
 * What the document that the exercise comes from reports, and later runs of its code by its author:
 * each of one run, on the 5,000 validation pictures of CIFAR-10.
 */

/** The nets, and Monte Carlo dropout with the net that has dropout. */
export type PublishedName = "elu" | "bn" | "selu" | "alpha" | "mc" | "onecycle";

export interface Published {
  /** Validation accuracy: of the epoch with the lowest validation loss, of `onecycle` of the last. */
  readonly accuracy: number;
  /** Its validation loss. */
  readonly loss?: number;
  /** The epoch, from 1. */
  readonly bestEpoch?: number;
  /** Of evaluating the validation pictures. */
  readonly microsecondsPerSample?: number;
  /** Accuracies of the author's later runs of the same code. */
  readonly reruns: readonly number[];
}

export const published: Readonly<Record<PublishedName, Published>> = {
  elu: {
    accuracy: 0.4736,
    loss: 1.5099,
    bestEpoch: 39,
    microsecondsPerSample: 65,
    reruns: [0.4762, 0.4676],
  },
  bn: {
    accuracy: 0.5506,
    loss: 1.3054,
    bestEpoch: 18,
    microsecondsPerSample: 157,
    reruns: [0.5398],
  },
  selu: {
    accuracy: 0.514,
    loss: 1.4626,
    bestEpoch: 13,
    microsecondsPerSample: 74,
    reruns: [0.4792, 0.5026],
  },
  alpha: {
    accuracy: 0.5082,
    loss: 1.4974,
    bestEpoch: 10,
    microsecondsPerSample: 71,
    reruns: [0.489, 0.4982],
  },
  mc: { accuracy: 0.5094, reruns: [0.4892, 0.4984] },
  onecycle: { accuracy: 0.5276, reruns: [0.5198, 0.5242] },
};
