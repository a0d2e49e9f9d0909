/** Bytes from the network and from compressed files, in Node. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DataError, describe } from "../base/errors.ts";
import type { Host, HostResponse } from "./host.ts";
import { codeOf } from "./node-files.ts";

const mostRedirects = 10;
/** So much of an answer is held while nobody reads. */
const mostHeldBytes = 1 << 20;

export async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const output = createGunzip({ chunkSize: 1 << 18 });
  // Errors of both come out of the end that is read; leaving early ends both.
  pipeline(Readable.from(chunks, { objectMode: false }), output, () => {});
  try {
    for await (const chunk of output) yield chunk;
  } catch (error) {
    if (error instanceof DataError) throw error;
    const received =
      error instanceof Error ? `one that is not (${error.message})` : describe(error);
    throw new DataError({
      who: "gunzip",
      expected: "must be a gzip stream",
      received,
      cause: error,
    });
  }
}

/**
 * Node's own client instead of `fetch`, which undoes a `Content-Encoding`: some servers send one for
 * every .gz file, and then neither size nor ranges mean what they say.
 */
export const httpGet: Host["httpGet"] = async (url, headers, signal) => {
  let target = new URL(url);
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await request(target, headers, signal);
    const location = answer.headers.location;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode!) || location === undefined)
      return responseOf(answer);
    answer.destroy();
    target = new URL(location, target);
  }
  throw new Error(`more than ${mostRedirects} redirects`);
};

async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`the protocol ${url.protocol} is not http: or https:`);
  await checkNameServers(url.hostname, signal);
  // At the first request: a command without one starts faster.
  const { get } = url.protocol === "http:" ? await import("node:http") : await import("node:https");
  return new Promise((resolve, reject) => {
    // A connection of its own, that keeps no process alive when all has come.
    get(url, { headers, signal, agent: false }, resolve).on("error", (error) =>
      reject(signal.aborted ? signal.reason : error),
    );
  });
}

/**
 * Rejects where name servers say nothing. A request asks them by the system's `getaddrinfo`, which
 * may block a thread for half a minute, and no process ends before its threads, not even by
 * `process.exit`. The question asked here can be left. Any answer to it will do: the system knows
 * names that servers do not.
 */
async function checkNameServers(name: string, signal: AbortSignal): Promise<void> {
  if (name === "localhost" || name.startsWith("[") || isIP(name) !== 0) return;
  const { Resolver } = await import("node:dns/promises");
  signal.throwIfAborted();
  const resolver = new Resolver({ timeout: 5000, tries: 2 });
  const leave = () => resolver.cancel();
  signal.addEventListener("abort", leave);
  try {
    await resolver.resolve4(name);
  } catch (error) {
    signal.throwIfAborted();
    if (codeOf(error) === "ETIMEOUT") throw new Error("no name server answers", { cause: error });
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function responseOf(answer: IncomingMessage): HostResponse {
  return {
    status: answer.statusCode!,
    statusText: answer.statusMessage ?? "",
    header: (name) => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: bytesOf(answer),
    close: () => void answer.destroy(),
  };
}

/**
 * The bytes of an answer, all that came before it ended or broke off. (A stream that breaks off
 * throws away what it holds; over a bad line, that would be most of it.)
 */
function bytesOf(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let held = 0;
  let isOver = false;
  let failure: Error | undefined;
  let wake = () => {};
  answer.on("data", (piece: Uint8Array) => {
    pieces.push(piece);
    held += piece.length;
    if (held >= mostHeldBytes) answer.pause();
    wake();
  });
  answer.on("error", (error) => {
    failure = error;
  });
  answer.on("close", () => {
    isOver = true;
    if (!answer.complete) failure ??= new Error("aborted");
    wake();
  });
  return (async function* () {
    for (;;) {
      const piece = pieces.shift();
      if (piece !== undefined) {
        held -= piece.length;
        if (held < mostHeldBytes) answer.resume();
        yield piece;
      } else if (!isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (failure !== undefined) throw failure;
      else return;
    }
  })();
}
