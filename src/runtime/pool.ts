/** Workers that stand and fall together: if one ends, all do, and every question to them fails. */

import { type HostWorker, startWorker } from "#host";
import { DeviceError, describe } from "../base/errors.ts";
import { type WorkerActions, type WorkerMessage, workerSource } from "./worker-source.ts";

export type StartWorker = typeof startWorker;

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class Member {
  readonly worker: HostWorker;
  /** Programs of which it has an instance. */
  readonly programs = new Set<number>();
  readonly #questions = new Map<number, Question>();
  #asked = 0;

  constructor(start: StartWorker, onError: (error: Error) => void) {
    this.worker = start(workerSource, (answer) => this.#answer(answer), onError);
  }

  ask<A extends keyof WorkerActions>(
    action: A,
    value: WorkerActions[A],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const message: WorkerMessage<A> = { id: this.#asked++, action, value };
      this.worker.post(message, transfer);
      // The process must not end while someone waits for an answer, and must not stay for a worker
      // that only sits there.
      if (this.#questions.size === 0) this.worker.ref();
      this.#questions.set(message.id, { resolve, reject });
    });
  }

  #answer(answer: unknown): void {
    const { id, value } = answer as { id: number; value: unknown };
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    if (this.#questions.size === 0) this.worker.unref();
    question?.resolve(value);
  }

  fail(error: Error): void {
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const question of questions) question.reject(error);
  }
}

export class Pool {
  readonly #members: Member[] = [];
  readonly #setup: WorkerActions["start"];
  readonly #start: StartWorker;
  readonly #onFailure: (error: Error) => void;
  #failure: DeviceError | undefined;
  #ended: Promise<void> | undefined;

  /**
   * `setup` is told to every worker first. `onFailure` is called once, when a worker has ended by
   * itself, before any question fails.
   */
  constructor(
    setup: WorkerActions["start"],
    onFailure: (error: Error) => void,
    start: StartWorker = startWorker,
  ) {
    this.#setup = setup;
    this.#start = start;
    this.#onFailure = onFailure;
  }

  /** Why this pool can do nothing any more. */
  get failure(): DeviceError | undefined {
    return this.#failure;
  }

  /** Resolves when no worker of a failed or closed pool runs any more. */
  get ended(): Promise<void> {
    return this.#ended ?? Promise.resolve();
  }

  /** Starts workers until there are `count`; does not wait until they run. */
  ensure(count: number): void {
    while (this.#members.length < count) {
      const member = new Member(this.#start, (error) => this.#fail(error));
      this.#members.push(member);
      this.#tell(member, "start", this.#setup);
    }
  }

  /** Asks the first worker. */
  ask<A extends Exclude<keyof WorkerActions, "start" | "run" | "drop">>(
    action: A,
    value: WorkerActions[A],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<unknown> {
    this.ensure(1);
    return this.#members[0]!.ask(action, value, transfer);
  }

  /** Runs a program on as many workers as there are lists of words, and waits for all of them. */
  async run(
    program: number,
    module: WebAssembly.Module,
    words: readonly (readonly number[])[],
  ): Promise<void> {
    this.ensure(words.length);
    await Promise.all(
      words.map((list, thread) => {
        const member = this.#members[thread]!;
        const known = member.programs.has(program);
        member.programs.add(program);
        return member.ask("run", { program, module: known ? undefined : module, words: list });
      }),
    );
  }

  /** Lets all workers forget a program. */
  drop(program: number): void {
    if (this.#failure) return;
    for (const member of this.#members)
      if (member.programs.delete(program)) this.#tell(member, "drop", { program });
  }

  /** Ends all workers; questions that are open fail. */
  async close(): Promise<void> {
    const parts = { who: "workers", expected: "an open engine", received: "one that is closed" };
    this.#end(new DeviceError(parts));
    await this.ended;
  }

  /** A question whose answer nobody needs: should it fail, the pool has failed, and that is known. */
  #tell<A extends keyof WorkerActions>(member: Member, action: A, value: WorkerActions[A]): void {
    member.ask(action, value).catch(() => {});
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    const cause = error.cause ?? error;
    const received = error instanceof DeviceError ? error.received : describe(error);
    this.#end(
      new DeviceError({
        who: 'device "wasm"',
        expected: "its workers must run until they are closed",
        received: `a worker that ended: ${received}`,
        fix: error instanceof DeviceError ? error.fix : undefined,
        cause,
      }),
    );
  }

  #end(failure: DeviceError): void {
    if (this.#failure) return;
    this.#failure = failure;
    // The others may wait for the one that is gone, or still write: questions fail only when none of
    // them runs, so that whoever hears of it finds the memory at rest.
    const ends = this.#members.map((member) => member.worker.terminate());
    this.#ended = Promise.allSettled(ends).then(() => {
      this.#onFailure(failure);
      for (const member of this.#members) member.fail(failure);
    });
  }
}
