/** `antler lab cifar10`. */
import { resolvedDataset } from "../lab/pictures.ts";
import { cifar10Study, type StudyOptions } from "../lab/study.ts";
import { fullRun, goingOn, type LabFlags } from "./command-line.ts";
import { jsonReporter, TextReporter } from "./reporter.ts";
import { terminalOf } from "./terminal.ts";

/** Trains, and tells of it on standard output. */
export async function runLab(flags: LabFlags, signal: AbortSignal): Promise<void> {
  const pictures = await resolvedDataset({ dataset: flags.dataset, folder: flags.data });
  if (pictures !== flags.dataset && pictures === "embedded") process.stderr.write(noPictures);
  const terminal = terminalOf(process.stdout);
  const reporter = flags.json ? jsonReporter(terminal) : new TextReporter(terminal);
  // At once: the process may end before the run has come to its end.
  signal.addEventListener("abort", () => reporter.interrupted(goingOn(flags)), { once: true });
  try {
    await cifar10Study({
      ...optionsOf(flags),
      signal,
      onEvent: (event) => reporter.onEvent(event),
      callbacks: reporter.callbacks,
    });
  } catch (error) {
    reporter.leave();
    throw error;
  }
  const full = fullRun(flags, pictures);
  if (!flags.json && full && !signal.aborted) terminal.write(`The full run: ${full}\n`);
}

const optionsOf = ({ variant, batch, data, ...same }: LabFlags): StudyOptions => ({
  ...same,
  variants: variant,
  ...(batch !== undefined && { batchSize: batch }),
  folder: data,
});

const noPictures =
  "CIFAR-10 is neither in a folder (--data DIR or ANTLER_DATA) nor in the cache: training on the " +
  "embedded pictures, which are generated shapes. --dataset cifar10 downloads it (170 MB).\n";
