/** One after the other, in the order in which they were asked for. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all before it are done, however they ended; settles as it does. */
  add<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    // Only that it is over matters to the next one; its value must not be kept alive.
    this.#last = done.then(nothing, nothing);
    return done;
  }
}

const nothing = () => undefined;
