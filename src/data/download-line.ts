/** What is told of a download: a line that is drawn again on a terminal, plain lines elsewhere. */
import { environment, type HostOutput, now } from "#host";
import type { ArchiveProgress } from "./archive.ts";

/** Milliseconds between two drawings. */
const redrawMilliseconds = 100;
/** The speed is that of the last milliseconds. */
const speedMilliseconds = 3000;
const mostBarColumns = 30;
const leastBarColumns = 8;
/** Room for the `^C` that a terminal writes behind the line: it must not break it. */
const echoColumns = 3;

/** What the line of a download shows. */
export interface DownloadState {
  readonly title: string;
  readonly received: number;
  readonly total: number;
  /** Bytes a second; undefined at the start. */
  readonly speed?: number | undefined;
  /** What is done when all bytes are there. */
  readonly step?: string | undefined;
}

/** The line, never wider than the terminal: where it is narrow, it has fewer parts. */
export function drawDownload(state: DownloadState, columns: number, hasColours = false): string {
  const { title, received, total, step } = state;
  const most = columns - echoColumns;
  const size = megabytes(total);
  const amount = `${megabytes(received).padStart(size.length)}/${size} MB`;
  const parts = [title, amount];
  for (const part of step === undefined ? pace(state) : [step.padEnd(paceColumns)]) {
    if ([...parts, part].join(" ").length <= most) parts.push(part);
  }
  const text = parts.join(" ");
  const width = Math.min(mostBarColumns, most - text.length - 1);
  if (width < leastBarColumns) return text.slice(0, Math.max(0, most)).trimEnd();
  const done = Math.min(width, Math.floor((received / total) * width));
  const bar = "━".repeat(done) + "╌".repeat(width - done);
  const [first, ...others] = parts;
  return [first, hasColours ? `\x1b[32m${bar}\x1b[39m` : bar, ...others].join(" ").trimEnd();
}

/** Columns of speed and remaining time. They are always taken, or the bar would tremble. */
const speedColumns = "999.9 MB/s".length;
const remainingColumns = "59 min 59 s left".length;
const paceColumns = speedColumns + 1 + remainingColumns;

function pace({ received, total, speed }: DownloadState): string[] {
  const isKnown = speed !== undefined && speed > 0;
  const [now, left] = isKnown
    ? [`${megabytes(speed)} MB/s`, `${remaining((total - received) / speed)} left`]
    : ["", ""];
  return [now.padStart(speedColumns), left.padEnd(remainingColumns)];
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function remaining(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Tells of an archive on a stream for people. */
export class DownloadLine {
  readonly #output: HostOutput | undefined;
  readonly #isLive: boolean;
  readonly #hasColours: boolean;
  #last: ArchiveProgress | undefined;
  #isOpen = false;
  #drawn = Number.NEGATIVE_INFINITY;
  /** Times and amounts of the last seconds. */
  #samples: { readonly time: number; readonly received: number }[] = [];

  constructor(output: HostOutput | undefined, variable = environment) {
    this.#output = output;
    this.#isLive = output?.isTTY === true && variable("TERM") !== "dumb";
    this.#hasColours = this.#isLive && !variable("NO_COLOR");
  }

  onProgress(progress: ArchiveProgress): void {
    const { step, title, url, received, total, folder } = progress;
    const isNew = step !== this.#last?.step;
    this.#last = progress;
    if (step === "wait") this.#say(`Waiting for another process that downloads ${title}`);
    else if (step === "done") this.#say(`${title} is now in ${folder}`);
    else if (step === "download") {
      const at = received > 0 ? `, going on at ${megabytes(received)} MB` : "";
      if (isNew) this.#say(`Downloading ${title} (${megabytes(total)} MB) from ${url}${at}`);
      if (this.#isLive) this.#follow(progress);
    } else
      this.#draw({ title, received, total, step: step === "check" ? "checking" : "unpacking" });
  }

  /** Ends a line that is not finished, so that other text starts on a new one. */
  leave(): void {
    if (this.#isOpen) this.#output?.write("\n");
    this.#isOpen = false;
  }

  /** What came of a download stays. */
  interrupted(): void {
    this.leave();
    if (this.#last?.step !== "download" || this.#last.received === 0) return;
    const { title, received } = this.#last;
    this.#say(`${megabytes(received)} MB of ${title} are kept: the next download goes on there`);
  }

  #follow({ title, received, total }: ArchiveProgress): void {
    const time = now();
    if (time - this.#drawn < redrawMilliseconds && received < total) return;
    const last = this.#samples.at(-1);
    // It began anew.
    if (last && received < last.received) this.#samples = [];
    this.#samples.push({ time, received });
    while (time - this.#samples[0].time > speedMilliseconds && this.#samples.length > 2)
      this.#samples.shift();
    const [first] = this.#samples;
    const seconds = (time - first.time) / 1000;
    const speed = seconds > 0 ? (received - first.received) / seconds : undefined;
    this.#draw({ title, received, total, speed });
    this.#drawn = time;
  }

  #draw(state: DownloadState): void {
    if (!this.#isLive || !this.#output) return;
    const line = drawDownload(state, this.#output.columns || 80, this.#hasColours);
    // Back to the first column, and away with what a longer line left.
    this.#output.write(`\r${line}\x1b[K`);
    this.#isOpen = true;
  }

  /** A line that stays, in place of the live one. */
  #say(text: string): void {
    this.#output?.write(`${this.#isOpen ? "\r\x1b[K" : ""}${text}\n`);
    this.#isOpen = false;
  }
}
