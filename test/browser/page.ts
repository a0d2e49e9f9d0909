/** A page in Chromium. What it prints and what goes wrong in it is told with every failure. */

/** Sends a command of the protocol, and awaits what it returns. */
export type Send = <Result = unknown>(method: string, parameters?: object) => Promise<Result>;

/** A value in the page, as the protocol tells of it. */
interface Remote {
  readonly value?: unknown;
  readonly description?: string;
}

interface Thrown {
  readonly text: string;
  readonly exception?: Remote;
}

/** The events that a page listens to, with what comes with them. */
interface Events {
  "Page.loadEventFired": object;
  "Inspector.targetCrashed": object;
  "Runtime.consoleAPICalled": { readonly type: string; readonly args: readonly Remote[] };
  "Runtime.exceptionThrown": { readonly exceptionDetails: Thrown };
  "Log.entryAdded": {
    readonly entry: { readonly level: string; readonly text: string; readonly url?: string };
  };
}

/** Milliseconds that a question to the browser may take: less than a test, so that it tells why. */
const mostMilliseconds = 45_000;

/** Fails where a promise is not settled in time. */
export async function within<T>(promise: Promise<T>, limit = mostMilliseconds): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Page {
  readonly url: string;
  /** What the page printed, and errors that nothing in it handled, one line each. */
  readonly lines: string[] = [];
  readonly #send: Send;
  #loaded: () => void = () => {};
  #crash: (error: Error) => void = () => {};
  readonly #crashed: Promise<never>;

  constructor(url: string, send: Send) {
    this.url = url;
    this.#send = send;
    this.#crashed = new Promise((_, reject) => {
      this.#crash = reject;
    });
    this.#crashed.catch(() => {}); // It may crash while nobody waits.
  }

  /** Goes to its address and waits until everything that it names is there and has run. */
  load(): Promise<void> {
    return this.#telling(async () => {
      for (const domain of ["Page", "Runtime", "Log", "Inspector"])
        await this.#send(`${domain}.enable`);
      const loaded = new Promise<void>((resolve) => {
        this.#loaded = resolve;
      });
      const { errorText } = await this.#send<{ errorText?: string }>("Page.navigate", {
        url: this.url,
      });
      if (errorText) throw new Error(errorText);
      await loaded;
    }, mostMilliseconds);
  }

  /** The value of an expression in the page, awaited. It must be one that JSON can hold. */
  evaluate<T>(expression: string, limit = mostMilliseconds): Promise<T> {
    return this.#telling(async () => {
      const asked = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails: thrown } = await this.#send<{
        result: Remote;
        exceptionDetails?: Thrown;
      }>("Runtime.evaluate", asked);
      if (thrown) throw new Error(textOf(thrown));
      return result.value as T;
    }, limit);
  }

  /** Takes note of an event. */
  hear(method: string, parameters: unknown): void {
    this.#hearers[method as keyof Events]?.(parameters as never);
  }

  readonly #hearers: { readonly [E in keyof Events]: (parameters: Events[E]) => unknown } = {
    "Page.loadEventFired": () => this.#loaded(),
    "Inspector.targetCrashed": () => this.#crash(new Error("the page crashed")),
    "Runtime.consoleAPICalled": ({ type, args }) => {
      const values = args.map(({ value, description }) => value ?? description ?? "");
      this.lines.push(`console.${type}: ${values.join(" ")}`);
    },
    "Runtime.exceptionThrown": (event) =>
      this.lines.push(`uncaught: ${textOf(event.exceptionDetails)}`),
    "Log.entryAdded": ({ entry: { level, text, url = "" } }) =>
      this.lines.push(`${level}: ${text} ${url}`),
  };

  async #telling<T>(task: () => Promise<T>, limit: number): Promise<T> {
    try {
      return await within(Promise.race([task(), this.#crashed]), limit);
    } catch (cause) {
      const said = this.lines.length > 0 ? this.lines.join("\n  ") : "nothing";
      const reason = (cause as Error).message;
      throw new Error(`${this.url}: ${reason}\nThe page said:\n  ${said}`, { cause });
    }
  }
}

const textOf = ({ text, exception }: Thrown): string =>
  exception?.description ?? [text, exception?.value].filter((part) => part !== undefined).join(" ");
