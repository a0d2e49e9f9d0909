/** How many steps go into one call. */

/**
 * A call's length: short enough for progress and Ctrl-C, long enough that calling costs little (with
 * 10 ms it took 5 % of a step of 5 ms on one thread, with 20 half of that).
 */
const callMilliseconds = 20;

/** Host memory for the tables of a call's inputs and results. */
const callBytes = 4 * 2 ** 20;

/** Learns how long a step takes. The number of steps in a call never changes a result. */
export class Pace {
  readonly #most: number;
  #stepMilliseconds: number | undefined;

  /**
   * @param hostBytes of inputs and results of one step
   * @param mostSteps that a call may have. Default: any number
   */
  constructor(hostBytes: number, mostSteps = Number.POSITIVE_INFINITY) {
    this.#most = Math.max(1, Math.min(mostSteps, Math.floor(callBytes / hostBytes)));
  }

  /** Steps of the next call: one at first, to learn. */
  get steps(): number {
    if (this.#stepMilliseconds === undefined) return 1;
    const wanted = Math.round(callMilliseconds / Math.max(this.#stepMilliseconds, 1e-4));
    return Math.min(Math.max(wanted, 1), this.#most);
  }

  /** A call of so many steps took so long. */
  took(steps: number, milliseconds: number): void {
    this.#stepMilliseconds = milliseconds / steps;
  }
}
