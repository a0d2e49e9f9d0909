import dns from "node:dns";
import { Resolver } from "node:dns/promises";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DataError } from "../base/errors.ts";
import * as node from "./node.ts";

let folder = "";
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "antler-streams-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true });
});

async function* inPieces(bytes: Uint8Array, size = 1000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 5);

describe("files that grow", () => {
  it("are written at their end, and read piece by piece", async () => {
    const path = join(folder, "grows");
    for (const [from, to] of [
      [0, 100_000],
      [100_000, 300_000],
    ]) {
      const file = await node.appendFile(path);
      for await (const piece of inPieces(bytes.subarray(from, to), 30_000)) await file.write(piece);
      await file.flush();
      await file.close();
    }
    expect((await all(node.readChunks(path))).equals(bytes)).toBe(true);
    expect(await node.sha256OfChunks(node.readChunks(path))).toBe(await node.sha256(bytes));
  });

  it("can have to be new", async () => {
    const path = join(folder, "new");
    await (await node.appendFile(path, true)).close();
    await expect(node.appendFile(path, true)).rejects.toThrow(
      "must be a writable file, got EEXIST.",
    );
  });

  it("reject with a DataError", async () => {
    const missing = join(folder, "nowhere", "file");
    for (const call of [
      () => node.appendFile(missing),
      () => all(node.readChunks(missing)),
      () => node.renamePath(missing, folder),
      () => node.makeFolder("\0"),
    ])
      await expect(call()).rejects.toThrow(DataError);
  });
});

describe("folders", () => {
  it("are made, listed, renamed and removed", async () => {
    const inner = join(folder, "a", "b");
    await node.makeFolder(inner);
    await node.makeFolder(inner);
    await writeFile(join(inner, "file"), "text");
    expect(await node.listFolder(inner)).toEqual(["file"]);
    expect(await node.listFolder(join(folder, "none"))).toEqual([]);
    const full = join(folder, "full");
    await mkdir(full);
    await writeFile(join(full, "other"), "text");
    await expect(node.renamePath(inner, full)).rejects.toThrow("must be free to take");
    await node.removePath(full);
    await node.renamePath(inner, full);
    expect(await readFile(join(full, "file"), "utf8")).toBe("text");
    await node.removePath(folder);
    await node.removePath(folder);
    await expect(stat(folder)).rejects.toThrow();
    await mkdir(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it("for caches are where the system has them", () => {
    vi.stubEnv("XDG_CACHE_HOME", folder);
    expect(node.cacheFolder()).toBe(join(folder, "antler"));
    const usual = { darwin: ["Library", "Caches", "antler"], linux: [".cache", "antler"] };
    for (const relative of ["", "not/absolute"]) {
      vi.stubEnv("XDG_CACHE_HOME", relative);
      const parts = usual[process.platform as keyof typeof usual];
      if (parts) expect(node.cacheFolder()).toBe(join(homedir(), ...parts));
    }
    const { platform } = process;
    try {
      Object.defineProperty(process, "platform", { value: "darwin" });
      expect(node.cacheFolder()).toBe(join(homedir(), "Library", "Caches", "antler"));
      Object.defineProperty(process, "platform", { value: "win32" });
      vi.stubEnv("LOCALAPPDATA", "/local");
      expect(node.cacheFolder()).toBe(join("/local", "antler", "Cache"));
      vi.stubEnv("LOCALAPPDATA", "");
      expect(node.cacheFolder()).toBe(join(homedir(), "AppData", "Local", "antler", "Cache"));
    } finally {
      Object.defineProperty(process, "platform", { value: platform });
    }
  });
});

describe("gunzip", () => {
  it("gives what was packed, of several members, too", async () => {
    const halves = [bytes.subarray(0, 1000), bytes.subarray(1000)];
    const packed = Buffer.concat(halves.map((half) => gzipSync(half)));
    expect((await all(node.gunzip(inPieces(packed, 777)))).equals(bytes)).toBe(true);
  });

  it("rejects what is no gzip stream, breaks off, or is wrong inside", async () => {
    const packed = gzipSync(bytes);
    const wrong = Buffer.from(packed);
    wrong[wrong.length - 6] ^= 1; // The checksum.
    for (const broken of [bytes, packed.subarray(0, packed.length - 9), wrong]) {
      const attempt = all(node.gunzip(inPieces(broken)));
      await expect(attempt).rejects.toThrow(/^gunzip: must be a gzip stream, got one that is not/);
      await expect(attempt).rejects.toThrow(DataError);
    }
  });

  it("rejects with what its source rejects with", async () => {
    const cause = new DataError({ who: "source", expected: "must go on", received: "its end" });
    async function* source() {
      yield gzipSync(bytes).subarray(0, 100);
      throw cause;
    }
    await expect(all(node.gunzip(source()))).rejects.toBe(cause);
  });

  it("ends its source when it is left", async () => {
    let hasEnded = false;
    async function* source() {
      try {
        for (;;) yield gzipSync(bytes);
      } finally {
        hasEnded = true;
      }
    }
    for await (const _ of node.gunzip(source())) break;
    await vi.waitFor(() => expect(hasEnded).toBe(true));
  });
});

describe("httpGet", () => {
  const never = new AbortController().signal;

  async function listen(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  it("gives status, headers and the bytes as they were sent", async () => {
    const url = await listen((request, response) => {
      response.writeHead(203, { "content-encoding": "gzip", "x-heard": request.headers["x-said"] });
      response.end(bytes);
    });
    const answer = await node.httpGet(url, { "x-said": "hello" }, never);
    expect(answer.status).toBe(203);
    expect(answer.header("x-heard")).toBe("hello");
    expect(answer.header("etag")).toBeUndefined();
    expect((await all(answer.body)).equals(bytes)).toBe(true);
  });

  it("gives all that came before it broke off, however late it is read", async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { "content-length": 2 * bytes.length });
      response.write(bytes, () => setTimeout(() => response.destroy(), 20));
    });
    const answer = await node.httpGet(url, {}, never);
    await new Promise((resolve) => setTimeout(resolve, 100));
    let received = 0;
    const reading = (async () => {
      for await (const piece of answer.body) received += piece.length;
    })();
    await expect(reading).rejects.toThrow("aborted");
    expect(received).toBe(bytes.length);
  });

  it("holds little of a long answer that nobody reads", async () => {
    let sent = 0;
    const url = await listen((_, response) => {
      const piece = new Uint8Array(1 << 20);
      const go = () => {
        response.write(piece, () => {
          sent += piece.length;
          go();
        });
      };
      go();
    });
    const answer = await node.httpGet(url, {}, never);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // What two ends of a connection hold, too.
    expect(sent).toBeLessThan(20 << 20);
    answer.close();
  });

  it("ends by its signal, with its reason: before the answer, and in its middle", async () => {
    let hasAnswered = false;
    const url = await listen((_, response) => {
      if (hasAnswered) response.write(bytes);
      hasAnswered = true;
    });
    const first = AbortSignal.timeout(30);
    const error = await node.httpGet(url, {}, first).catch((error: unknown) => error);
    expect(error).toBe(first.reason);
    const controller = new AbortController();
    const answer = await node.httpGet(url, {}, controller.signal);
    setTimeout(() => controller.abort(), 30);
    await expect(all(answer.body)).rejects.toThrow();
  });

  it("does not wait longer for mute name servers than its signal says", async () => {
    // The system's own question would keep the process alive: it is not asked.
    const lookup = vi.spyOn(dns, "lookup");
    const asked = vi.spyOn(Resolver.prototype, "resolve4");
    const cancelled = vi.spyOn(Resolver.prototype, "cancel");
    asked.mockRejectedValueOnce(Object.assign(new Error("queryA"), { code: "ETIMEOUT" }));
    const url = "http://archive.example/";
    await expect(node.httpGet(url, {}, never)).rejects.toThrow("no name server answers");
    let end = (_: Error) => {};
    asked.mockReturnValueOnce(new Promise((_, reject) => (end = reject)));
    cancelled.mockImplementationOnce(() => end(new Error("cancelled")));
    const signal = AbortSignal.timeout(20);
    expect(await node.httpGet(url, {}, signal).catch((error: unknown) => error)).toBe(
      signal.reason,
    );
    expect(asked).toHaveBeenCalledTimes(2);
    expect(lookup).not.toHaveBeenCalled();
    // A name that they do not know may be one that the system knows.
    asked.mockRejectedValueOnce(Object.assign(new Error("queryA"), { code: "ENOTFOUND" }));
    lookup.mockImplementationOnce(((
      _name: string,
      _options: object,
      tell: (error: Error) => void,
    ) => tell(new Error("not known either"))) as never);
    await expect(node.httpGet(url, {}, never)).rejects.toThrow("not known either");
    vi.restoreAllMocks();
  });

  it("rejects what is no web address", async () => {
    await expect(node.httpGet("ftp://x/", {}, never)).rejects.toThrow("the protocol ftp: is not");
  });
});
