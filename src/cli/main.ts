#!/usr/bin/env node
/** The command: arguments in, an exit code out. */
import { commands } from "./commands.ts";
import { exitCodes, failureOf } from "./failure.ts";
import { interruption } from "./interruption.ts";

const fail = (error: unknown): number => {
  const { code, sentence } = failureOf(error);
  if (sentence) process.stderr.write(`error: ${sentence}\n`);
  return code;
};

// Who reads has gone (`antler ... | head`): there is nobody left to tell.
process.stdout.on("error", () => process.exit(exitCodes.failed));
process.stderr.on("error", () => {});
process.on("uncaughtException", (error) => process.exit(fail(error)));

const signal = interruption();
try {
  await (await commands(signal)).parseAsync(process.argv);
  process.exitCode = exitCodes.done;
} catch (error) {
  process.exitCode = fail(error);
}
if (signal.aborted) process.exitCode = exitCodes.interrupted;
