/** Ctrl-C. */
import { exitCodes } from "./failure.ts";

/** How long a command has to end by itself. */
const graceMilliseconds = 600;

/**
 * A signal that Ctrl-C aborts. A command that does not end soon afterwards is ended, and a second
 * Ctrl-C ends it at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
    // Not unref'ed alone: a process with nothing left to do should end before.
    setTimeout(() => process.exit(exitCodes.interrupted), graceMilliseconds).unref();
  });
  return controller.signal;
}
