/** Waiting that ends. */

/** Ends a transfer by the caller's signal, or when nothing comes. */
export class Watch {
  isOver = false;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #end = () => this.#controller.abort(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    this.#outer = signal;
    signal.addEventListener("abort", this.#end);
    // Nobody is told of what has happened.
    if (signal.aborted) this.#end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(milliseconds: number): void {
    const stop = () => {
      this.isOver = true;
      this.#controller.abort();
    };
    this.#timer = setTimeout(stop, Math.max(0, milliseconds));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.stop();
    this.#outer.removeEventListener("abort", this.#end);
  }
}

/** Resolves after some time, or when the signal is aborted. */
export function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
