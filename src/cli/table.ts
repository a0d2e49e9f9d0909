/** The results of several runs as a table that fits the terminal. */

import type { TableEvent, TableRow } from "../lab/events.ts";
import type { Summary } from "../lab/statistics.ts";
import type { Terminal } from "./terminal.ts";
import { score, short } from "./text.ts";

interface Column {
  /** Long and short, for wide and narrow terminals. */
  readonly title: readonly [long: string, short: string];
  text(row: TableRow): string;
}

const none = "-";
const meanOf = (summary: Summary | null, text: (mean: number) => string): string =>
  summary ? text(summary.mean) : none;

/** The most important ones first: where a terminal is too narrow, the last ones are left out. */
const columns: readonly Column[] = [
  { title: ["net", "net"], text: ({ variant }) => variant },
  { title: ["val accuracy", "accuracy"], text: ({ accuracy }) => score(accuracy.mean) },
  {
    title: ["95 % interval", "95 % interval"],
    text: ({ accuracy: { interval } }) =>
      interval ? `${score(interval[0])}-${score(interval[1])}` : none,
  },
  { title: ["seeds", "n"], text: ({ seeds }) => String(seeds.length) },
  {
    title: ["document", "document"],
    text: ({ document }) => (document ? score(document.accuracy) : none),
  },
  { title: ["its reruns", "its reruns"], text: rerunsText },
  {
    title: ["best epoch", "best"],
    text: ({ bestEpoch }) =>
      meanOf(bestEpoch, (mean) => mean.toFixed(Number.isInteger(mean) ? 0 : 1)),
  },
  { title: ["s/epoch", "s/ep"], text: ({ secondsPerEpoch }) => meanOf(secondsPerEpoch, short) },
  {
    title: ["us/picture", "us"],
    text: ({ microsecondsPerSample }) => meanOf(microsecondsPerSample, short),
  },
];

function rerunsText({ document }: TableRow): string {
  if (!document) return none;
  const [low, high] = [Math.min(...document.reruns), Math.max(...document.reruns)];
  return low === high ? score(low) : `${score(low)}-${score(high)}`;
}

const gap = "  ";

/**
 * The table with what must be known to read it.
 *
 * @returns lines; those of the table are none wider than the terminal
 */
export function tableText(
  event: TableEvent,
  { columns, isLive, style }: Pick<Terminal, "columns" | "isLive" | "style">,
): string[] {
  const [titles, ...rows] = tableLines(event.rows, isLive ? columns : Number.POSITIVE_INFINITY);
  return [
    "Validation accuracy of the weights that are judged, means over the seeds, beside the document:",
    style("bold", titles),
    ...rows,
    ...notes(event),
  ];
}

/** What the table does not say by itself. */
function notes({ rows, dataset, limit }: TableEvent): string[] {
  const found: string[] = [];
  if (dataset !== "cifar10" || limit !== null)
    found.push("The document trained on all of CIFAR-10: its figures are of other pictures.");
  const single = rows.filter(({ seeds }) => seeds.length === 1);
  if (single.length > 0) {
    const error = Math.max(...single.map(({ binomialError }) => binomialError));
    found.push(
      `One seed says little: the standard error of an accuracy is ${score(error)} by the number of ` +
        "validation pictures alone, and runs of the same code differ by up to 0.035. --seeds 5 tells more.",
    );
  }
  return found;
}

/** The lines of the table, none wider than `width`, the titles first. */
export function tableLines(rows: readonly TableRow[], width: number): string[] {
  for (let count = columns.length; count > 1; count--)
    for (const titles of [0, 1] as const) {
      const lines = drawn(rows, columns.slice(0, count), titles);
      if (lines[0].length <= width) return lines;
    }
  return drawn(rows, columns.slice(0, 2), 1).map((line) => line.slice(0, width));
}

/** The net's name to the left, numbers to the right. */
function drawn(rows: readonly TableRow[], shown: readonly Column[], titles: 0 | 1): string[] {
  const cells = [
    shown.map(({ title }) => title[titles]),
    ...rows.map((row) => shown.map((column) => column.text(row))),
  ];
  const widths = shown.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  return cells.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(gap),
  );
}
