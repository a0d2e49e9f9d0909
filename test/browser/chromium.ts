/** A headless Chromium, driven over a pipe by the Chrome DevTools Protocol: no port, no package. */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Page, type Send, within } from "./page.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const elsewhere = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The Chromium that `CHROMIUM` names, else one in the usual places, if any. */
export function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...paths, ...elsewhere].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const flags = [
  "--headless",
  "--remote-debugging-pipe",
  // It only ever sees pages of the tests; as root, and in many containers, its sandbox cannot start.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-extensions",
  "--disable-background-networking",
  // All pages but the last one are in the background, where timers go off once in a second.
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--password-store=basic",
  "--use-mock-keychain",
  "--mute-audio",
  // Whatever a page asks for comes from this machine. A name other than localhost is an insecure
  // context, as a page is that came over plain HTTP.
  "--host-resolver-rules=MAP * 127.0.0.1",
];

/** What comes over the pipe: an event of a page, or the answer to a question. */
interface Message {
  readonly method?: string;
  readonly params?: object;
  readonly sessionId?: string;
  readonly id?: number;
  readonly result?: object;
  readonly error?: { readonly message: string; readonly data?: string };
}

interface Question {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Chromium {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #questions = new Map<number, Question>();
  /** By the number of their session. */
  readonly #pages = new Map<string, Page>();
  readonly #ended: Promise<void>;
  #asked = 0;
  #failure: Error | undefined;
  #stderr = "";

  constructor(path: string) {
    this.#folder = mkdtempSync(join(tmpdir(), "antler-chromium-"));
    this.#process = spawn(path, [...flags, `--user-data-dir=${this.#folder}`], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      // The leader of a group, so that all its processes can be ended with it.
      detached: true,
    });
    const child = this.#process;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    this.#input.on("error", () => {}); // It has ended, and is heard of by "close".
    this.#listen(child.stdio[4] as Readable);
    this.#ended = new Promise((resolve) => {
      child.on("error", (error) => {
        this.#fail(`cannot be started: ${error.message}`);
        resolve();
      });
      child.on("close", (code, signal) => {
        this.#fail(`ended with ${signal ?? `exit code ${code}`}`);
        resolve();
      });
    });
  }

  get #input(): Writable {
    return this.#process.stdio[3] as Writable;
  }

  /** Opens a page and waits until its scripts have run. */
  async open(url: string): Promise<Page> {
    const page = await within(this.#attach(url));
    await page.load();
    return page;
  }

  async #attach(url: string): Promise<Page> {
    const { targetId } = await this.#send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await this.#send<{ sessionId: string }>("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    const page = new Page(url, this.#sender(sessionId));
    this.#pages.set(sessionId, page);
    return page;
  }

  /** Sends to the browser itself. */
  get #send(): Send {
    return this.#sender();
  }

  /** Sends to a page, by its session, or to the browser. */
  #sender(sessionId?: string): Send {
    return async (method, params = {}) => {
      if (this.#failure) throw this.#failure;
      const id = this.#asked++;
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) =>
        this.#questions.set(id, { resolve: (result) => resolve(result as never), reject }),
      );
    };
  }

  /** Ends it with all its processes, by force where it does not go by itself. */
  async close(): Promise<void> {
    if (!this.#failure) this.#send("Browser.close").catch(() => {});
    const timer = setTimeout(() => this.#kill(), 5000);
    await this.#ended;
    clearTimeout(timer);
    this.#kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #kill(): void {
    try {
      if (this.#process.pid) process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // None of them is left.
    }
  }

  /** Messages are JSON texts that end with a zero. */
  #listen(output: Readable): void {
    let text = "";
    output.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (!piece.includes("\0")) return;
      const messages = text.split("\0");
      text = messages.pop()!;
      for (const message of messages) this.#receive(JSON.parse(message));
    });
  }

  #receive({ method, params, sessionId, id, result, error }: Message): void {
    if (method) this.#pages.get(sessionId ?? "")?.hear(method, params);
    if (id === undefined) return;
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    if (error) question?.reject(new Error(`${error.message} ${error.data ?? ""}`.trim()));
    else question?.resolve(result);
  }

  #fail(how: string): void {
    this.#failure ??= new Error(`Chromium ${how}\n${this.#stderr}`);
    for (const question of this.#questions.values()) question.reject(this.#failure);
  }
}
