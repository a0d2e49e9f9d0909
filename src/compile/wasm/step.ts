/**
 * The step: every thread runs the same list of kernels, each on its own part, and meets the others at
 * barriers. The loop over steps is here too, so JavaScript is not in it.
 */
import { Code, type Module } from "./assembler.ts";
import type { ValueType } from "./instructions.ts";

/** One thing that a thread does in a step. */
export type StepItem =
  /** `record`: bytes from the start of the thread's table to the arguments of this kernel. */
  | {
      readonly kind: "kernel";
      readonly function: number;
      readonly record: number;
      readonly onlyFirst: boolean;
    }
  /** Says that this thread has come so far. */
  | { readonly kind: "signal" }
  /** Waits until all threads have said so. */
  | { readonly kind: "wait" };

/** Each thread's line: the count of its signals, and how many threads sleep on it. */
export const syncLineBytes = 128;
const sleepersOffset = 4;

/** Loads of another thread's count before a waiting thread goes to sleep. */
const spins = 20_000;

const kernelParameters: readonly ValueType[] = ["i32", "i32", "i32"];
const syncParameters: readonly ValueType[] = ["i32", "i32", "i32"];

export interface StepShape {
  readonly items: readonly StepItem[];
  readonly threads: number;
  readonly inputBytes: number;
  readonly resultBytes: number;
}

/** Adds `run(arguments, inputs, results, steps, sync, thread)` to the module. */
export function emitStep(module: Module, shape: StepShape): void {
  const signal = shape.threads > 1 ? module.add(signalCode()) : -1;
  const wait = shape.threads > 1 ? module.add(waitCode(shape.threads)) : -1;
  const code = new Code(["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [table, inputs, results, steps, sync, thread] = code.parameters;
  const count = code.local("i32");
  // `behind`: signals that this thread has given since the one that is meant.
  const meet = (index: number, behind = 0) => {
    code.get(sync!).get(thread!).get(count);
    if (behind > 0) code.i32(behind).do("i32.sub");
    code.call(index, syncParameters);
  };
  const body = () => {
    let unanswered = 0;
    for (const item of shape.items) {
      if (item.kind === "signal") {
        code.get(count).i32(1).do("i32.add").set(count);
        meet(signal);
        unanswered++;
      } else if (item.kind === "wait") {
        // The first wait is for the first signal, even if this thread has given another meanwhile: the
        // others need not have come as far.
        unanswered--;
        meet(wait, unanswered);
      } else {
        const run = () => {
          code.get(table!).i32(item.record).do("i32.add").get(inputs!).get(results!);
          code.call(item.function, kernelParameters);
        };
        if (item.onlyFirst) code.get(thread!).do("i32.eqz").when(run);
        else run();
      }
    }
    if (shape.threads > 1) {
      code.get(count).i32(1).do("i32.add").set(count);
      meet(signal);
      meet(wait);
    }
    code.get(inputs!).i32(shape.inputBytes).do("i32.add").set(inputs!);
    code.get(results!).i32(shape.resultBytes).do("i32.add").set(results!);
    code.get(steps!).i32(1).do("i32.sub").tee(steps!);
  };
  code.get(steps!).when(() => code.repeatWhile(body));
  module.export("run", module.add(code));
}

/** signal(sync, thread, count): publishes the count; wakes sleepers only if there are any. */
function signalCode(): Code {
  const code = new Code(syncParameters);
  const [sync, thread, count] = code.parameters;
  const line = code.local("i32");
  code.get(thread!).i32(syncLineBytes).do("i32.mul").get(sync!).do("i32.add").tee(line);
  code.get(count!).do("i32.atomic.store");
  code.get(line).do("i32.atomic.load", sleepersOffset);
  code.when(() => {
    code.get(line).i32(0x7fffffff).do("memory.atomic.notify").drop();
  });
  return code;
}

/**
 * wait(sync, thread, count): until every thread's count is at least this one. It spins for a bounded
 * time and then sleeps: a machine that others use must not make a step a hundred times slower.
 */
function waitCode(threads: number): Code {
  const code = new Code(syncParameters);
  const [sync, , count] = code.parameters;
  const line = code.local("i32");
  const end = code.local("i32");
  const left = code.local("i32");
  const seen = code.local("i32");
  const behind = () => code.get(seen).get(count!).do("i32.sub").i32(0).do("i32.lt_s");
  const look = () => code.get(line).do("i32.atomic.load").set(seen);
  code
    .get(sync!)
    .tee(line)
    .i32(threads * syncLineBytes)
    .do("i32.add")
    .set(end);
  code.repeatWhile(() => {
    code.i32(spins).set(left);
    look();
    behind();
    code.when(() =>
      code.repeatWhile(() => {
        code.get(left).i32(1).do("i32.sub").tee(left).do("i32.eqz");
        code.when(() => {
          // Announce first, then look again: either the other sees a sleeper, or this its new count.
          code.get(line).i32(1).do("i32.atomic.rmw.add", sleepersOffset).drop();
          look();
          behind();
          code.when(() => code.get(line).get(seen).wait().drop());
          code.get(line).i32(-1).do("i32.atomic.rmw.add", sleepersOffset).drop();
          code.i32(spins).set(left);
        });
        look();
        behind();
      }),
    );
    code.get(line).i32(syncLineBytes).do("i32.add").tee(line).get(end).do("i32.lt_u");
  });
  return code;
}
