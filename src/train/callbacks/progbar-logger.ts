import { standardOutput } from "#host";
import { ProgressLines } from "../progress.ts";

/**
 * The progress bar of `verbose: 1` as a callback, for a fit with `verbose: 0`. Put it last: it shows
 * what the callbacks before it add to the logs.
 *
 * @example callbacks.progbarLogger()
 */
export class ProgbarLogger extends ProgressLines {
  constructor() {
    super(true, standardOutput());
  }

  onTrainEnd(): void {
    this.endLine();
  }
}

/** See `ProgbarLogger`. */
export const progbarLogger = (): ProgbarLogger => new ProgbarLogger();
