/** What goes wrong, as an exit code and one sentence. */
import { CommanderError } from "commander";
import { NameError, ValueError } from "../base/errors.ts";

export const exitCodes = { done: 0, failed: 1, wrongUse: 2, interrupted: 130 } as const;

/** How a command ends that did not do its work. */
export interface Failure {
  readonly code: number;
  /** For standard error; undefined where everything is said. */
  readonly sentence: string | undefined;
}

/**
 * A value or name that the library refuses came from an option, so it is wrong use like what the
 * parser refuses; everything else is a failure.
 */
export function failureOf(error: unknown): Failure {
  // The parser has printed its sentence, or the help that was asked for.
  if (error instanceof CommanderError) {
    const code = error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse;
    return { code, sentence: undefined };
  }
  const isWrongUse = error instanceof ValueError || error instanceof NameError;
  const text = error instanceof Error ? error.message || error.name : String(error);
  return {
    code: isWrongUse ? exitCodes.wrongUse : exitCodes.failed,
    sentence: text.replace(/\s+/g, " ").trim(),
  };
}
