/** What tests of downloads share: archives made here, and a server that misbehaves. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Archive } from "./archive.ts";

const BLOCK = 512;

/** A file of a tar archive; header fields as they are written. */
export interface TarFile {
  readonly path: string;
  readonly content?: Uint8Array;
  readonly type?: string;
  readonly size?: string;
  readonly prefix?: string;
}

export function tarHeader({ path, content, type = "0", size, prefix }: TarFile): Buffer {
  const header = Buffer.alloc(BLOCK);
  const digits = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, "0")}\0`;
  header.write(path, 0);
  header.write("0000644\0", 100);
  header.write(size ?? digits(content?.length ?? 0, 12), 124);
  header.write(digits(0, 12), 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar\x0000", 257);
  if (prefix) header.write(prefix, 345);
  header.write(
    `${digits(
      header.reduce((sum, byte) => sum + byte),
      7,
    )} `,
    148,
  );
  return header;
}

export function makeTar(files: readonly TarFile[], end = 2 * BLOCK): Buffer {
  const blocks = files.flatMap((file) => {
    const content = file.content ?? new Uint8Array();
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [tarHeader(file), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end)]);
}

export const sha256Of = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Bytes that do not compress. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export interface MadeArchive {
  readonly content: Buffer;
  readonly archive: Omit<Archive, "url">;
}

/** An archive in CIFAR-10's layout, of the files given. */
export function archiveOf(
  files: readonly (readonly [name: string, content: Uint8Array])[],
  others: readonly TarFile[] = [],
): MadeArchive {
  const folder = "cifar-10-batches-bin";
  const content = gzipSync(
    makeTar([
      { path: `${folder}/`, type: "5" },
      ...others,
      ...files.map(([name, content]) => ({ path: `${folder}/${name}`, content })),
    ]),
    { level: 1 },
  );
  return {
    content,
    archive: {
      title: "CIFAR-10",
      bytes: content.length,
      sha256: sha256Of(content),
      folder,
      files: new Map(files.map(([name, { length }]) => [name, length])),
      extras: ["batches.meta.txt"],
    },
  };
}

/** How a server answers one request. Default: as it should. */
export interface Manner {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Other bytes than the archive. */
  readonly content?: Uint8Array;
  readonly etag?: string;
  readonly ignoresRange?: boolean;
  /** Without Content-Length, in chunks. */
  readonly isChunked?: boolean;
  /** Breaks the connection off after so many bytes of the body. */
  readonly breakAt?: number;
  /** Sends nothing more after so many bytes of the body. */
  readonly stallAt?: number;
  /** Sends a few bytes at a time. */
  readonly isSlow?: boolean;
}

export interface TestServer {
  readonly url: string;
  /** Headers of the requests so far. */
  readonly requests: IncomingMessage["headers"][];
  /** Bodies' bytes that were sent so far. */
  sent: number;
  close(): Promise<void>;
}

/** Serves `content` on this machine: request i in manner i, all others in the last one. */
export async function serve(content: Uint8Array, ...manners: Manner[]): Promise<TestServer> {
  const requests: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    const manner = manners[Math.min(requests.length, manners.length - 1)] ?? {};
    requests.push(request.headers);
    answer(request, response, content, manner, (bytes) => (self.sent += bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const self: TestServer = {
    url: `http://127.0.0.1:${port}/cifar-10-binary.tar.gz`,
    requests,
    sent: 0,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return self;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  usual: Uint8Array,
  manner: Manner,
  onSent: (bytes: number) => void,
): void {
  const { status, headers = {}, content = usual, etag, ignoresRange, isChunked } = manner;
  if (etag) response.setHeader("etag", etag);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status !== undefined) {
    response.writeHead(status).end("sorry");
    return;
  }
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const isSame = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  const start = asked !== undefined && !ignoresRange && isSame ? Number(asked) : 0;
  if (start >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const body = content.subarray(start);
  if (!isChunked) response.setHeader("content-length", body.length);
  if (start > 0) {
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    if (!headers["content-range"]) response.setHeader("content-range", range);
    response.writeHead(206);
  }
  void send(response, body, manner, onSent);
}

async function send(
  response: ServerResponse,
  body: Uint8Array,
  { breakAt, stallAt, isSlow }: Manner,
  onSent: (bytes: number) => void,
): Promise<void> {
  const end = Math.min(body.length, breakAt ?? body.length, stallAt ?? body.length);
  const piece = isSlow ? Math.ceil(body.length / 40) : 16_384;
  for (let at = 0; at < end && !response.destroyed; at += piece) {
    const part = body.subarray(at, Math.min(end, at + piece));
    await new Promise<void>((resolve) => response.write(part, () => resolve()));
    onSent(part.length);
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (breakAt !== undefined && breakAt < body.length) {
    if (breakAt === 0) response.flushHeaders();
    setTimeout(() => response.destroy(), 10);
  } else if (stallAt === undefined) response.end();
  else response.flushHeaders();
}
