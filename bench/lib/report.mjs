/** What a run of the benchmarks tells: text for people, or one JSON object a line. */
import { short, table } from "./table.mjs";

/**
 * @typedef {object} Target a number to reach
 * @property {string} what
 * @property {number} value
 * @property {number} [least]
 * @property {number} [most]
 * @property {string} [unit]
 * @property {string} [unjudged] why this run cannot tell whether it is reached
 */

export class Report {
  #isJson;
  #bench = "";
  /** @type {(Target & { bench: string, verdict: string })[]} */
  #targets = [];

  /** @param {boolean} isJson */
  constructor(isJson) {
    this.#isJson = isJson;
  }

  /**
   * All that follows is of this benchmark.
   *
   * @param {string} name
   * @param {string} about
   */
  begin(name, about) {
    this.#bench = name;
    this.text(`\n${name}: ${about}`);
  }

  /**
   * A line for people only.
   *
   * @param {string} line
   */
  text(line) {
    if (!this.#isJson) console.log(line);
  }

  /**
   * @param {readonly string[]} head
   * @param {readonly (readonly (string | number | undefined)[])[]} rows numbers are shortened
   */
  table(head, rows) {
    const cells = rows.map((row) =>
      row.map((cell) => (typeof cell === "string" ? cell : short(cell))),
    );
    this.text(table(head, cells).replace(/^/gm, "  "));
  }

  /**
   * Facts for programs only.
   *
   * @param {string} event
   * @param {Readonly<Record<string, unknown>>} fields
   */
  record(event, fields) {
    if (!this.#isJson) return;
    const bench = this.#bench && { bench: this.#bench };
    console.log(JSON.stringify({ event, ...bench, ...fields }));
  }

  /**
   * Something that was not measured, and why.
   *
   * @param {string} why
   */
  skip(why) {
    this.text(`  not measured: ${why}`);
    this.record("skip", { why });
  }

  /**
   * A benchmark that broke.
   *
   * @param {Error} error
   */
  failure(error) {
    this.text(`  failed: ${error.message}`);
    this.record("failure", { message: error.message });
  }

  /**
   * Compares a figure with its bounds.
   *
   * @param {Target} target
   */
  target(target) {
    const { value, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = target;
    const isReached = value >= least && value <= most;
    const verdict = target.unjudged ? "unjudged" : isReached ? "pass" : "MISS";
    this.#targets.push({ ...target, bench: this.#bench, verdict });
    this.text(`  ${verdict}: ${textOf(target)}`);
    this.record("target", { ...target, verdict: verdict.toLowerCase() });
  }

  /** All targets once more, and how many were missed. */
  end() {
    const missed = this.#targets.filter(({ verdict }) => verdict === "MISS");
    this.#bench = "";
    if (this.#targets.length > 0) this.text("\nTargets");
    const width = Math.max(...this.#targets.map(({ bench }) => bench.length));
    for (const target of this.#targets)
      this.text(`  ${target.bench.padEnd(width)}  ${target.verdict.padEnd(8)}  ${textOf(target)}`);
    const judged = this.#targets.filter(({ verdict }) => verdict !== "unjudged").length;
    this.text(`\n${judged - missed.length} of ${judged} judged targets reached`);
    this.record("end", { judged, reached: judged - missed.length });
  }
}

/** @param {Target} target */
function textOf({ what, value, least, most, unit = "", unjudged }) {
  const bounds = [
    ...(least === undefined ? [] : [`>= ${least}`]),
    ...(most === undefined ? [] : [`<= ${most}`]),
  ].join(", ");
  const why = unjudged ? `; not judged: ${unjudged}` : "";
  return `${what} ${short(value)}${unit && ` ${unit}`} (${bounds}${why})`;
}
