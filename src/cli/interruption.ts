/** Ctrl-C. */
import { exitCodes } from "./failure.ts";

/** How long a command has to end by itself: many times what a call takes, and far below a second. */
const graceMilliseconds = 300;

/**
 * A signal that Ctrl-C aborts. A command that does not end soon afterwards is ended, and a second
 * Ctrl-C ends it at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
    // Without keeping the process: one with nothing left to do ends before.
    setTimeout(() => process.exit(exitCodes.interrupted), graceMilliseconds).unref();
  });
  return controller.signal;
}
