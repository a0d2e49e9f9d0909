/** Areas under the curves of confusion tables. */
import { ratio } from "../metric.ts";
import type { Table } from "./confusion.ts";

export type Curve = "ROC" | "PR" | "PRGAIN";
export type SummationMethod = "interpolation" | "minoring" | "majoring";

/** What one label has at one threshold. */
interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

/** The area of each label, whose counts stand beside one another for each threshold. */
export function areaUnder(
  table: Table,
  labels: number,
  curve: Curve,
  method: SummationMethod,
): number[] {
  const thresholds = table.truePositives.length / labels;
  return Array.from({ length: labels }, (_, label) => {
    const counts = Array.from({ length: thresholds }, (_, t): Counts => {
      const i = t * labels + label;
      return {
        tp: table.truePositives[i],
        fp: table.falsePositives[i],
        fn: table.falseNegatives[i],
        tn: table.trueNegatives[i],
      };
    });
    const area =
      curve === "PR" && method === "interpolation" ? precisionSlice : slice(curve, method);
    // Thresholds rise, so the curve is run through from its right end.
    return counts.slice(1).reduce((sum, right, i) => sum + area(counts[i], right), 0);
  });
}

/** A point of a curve. */
const points: Readonly<Record<Curve, (counts: Counts) => { x: number; y: number }>> = {
  ROC: ({ tp, fp, fn, tn }) => ({ x: ratio(fp, fp + tn), y: ratio(tp, tp + fn) }),
  PR: ({ tp, fp, fn }) => ({ x: ratio(tp, tp + fn), y: ratio(tp, tp + fp) }),
  // Flach and Kull, "Precision-Recall-Gain Curves: PR Analysis Done Right", 2015,
  // https://papers.nips.cc/paper/5867; recall's gain ends at 0.
  PRGAIN: ({ tp, fp, fn, tn }) => {
    if (tp === 0) return { x: 0, y: 1 };
    const scale = ratio(tp + fn, tn + fp);
    return { x: Math.max(0, 1 - (scale * fn) / tp), y: 1 - (scale * fp) / tp };
  },
};

const heights: Readonly<Record<SummationMethod, (a: number, b: number) => number>> = {
  interpolation: (a, b) => (a + b) / 2,
  minoring: Math.min,
  majoring: Math.max,
};

const slice = (curve: Curve, method: SummationMethod) => (lower: Counts, upper: Counts) => {
  const [a, b] = [points[curve](lower), points[curve](upper)];
  return (a.x - b.x) * heights[method](a.y, b.y);
};

/**
 * The area under precision over recall between two thresholds, where true positives grow linearly
 * with all positives: Davis and Goadrich, "The Relationship Between Precision-Recall and ROC
 * Curves", 2006, https://doi.org/10.1145/1143844.1143874.
 */
function precisionSlice(lower: Counts, upper: Counts): number {
  const gained = lower.tp - upper.tp;
  const [all, allUpper] = [lower.tp + lower.fp, upper.tp + upper.fp];
  const slope = ratio(gained, Math.max(all - allUpper, 0));
  const intercept = upper.tp - slope * allUpper;
  const growth = all > 0 && allUpper > 0 ? all / allUpper : 1;
  return ratio(slope * (gained + intercept * Math.log(growth)), Math.max(upper.tp + upper.fn, 0));
}
