/** A data set's archive: from a server that misbehaves, into a cache that is trusted. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DataError } from "../base/errors.ts";
import { endFaults, faults, withFaults } from "../host/faults.case.ts";
import {
  archiveOf,
  type MadeArchive,
  type Manner,
  noise,
  serve,
  sha256Of,
  type TestServer,
} from "./archive.case.ts";
import {
  type ArchiveOptions,
  type ArchiveProgress,
  cachedArchive,
  fetchArchive,
} from "./archive.ts";

vi.mock("#host", async (original) => withFaults(await original()));

const files = [1, 2, 3].map((n) => [`file_${n}.bin`, noise(40_000, n)] as const);
const made = archiveOf(files);
const size = made.archive.bytes;
const advice = "Do something else.";

let root = "";
let cache = "";
let server: TestServer;
let steps: ArchiveProgress[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "antler-archive-"));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  cache = await mkdtemp(join(root, "cache-"));
  steps = [];
});
afterEach(async () => {
  endFaults();
  await server?.close();
});

const home = () => join(cache, `cifar-10-${made.archive.sha256.slice(0, 16)}`);
const partPath = () => join(home(), "archive.tar.gz.part");

/** Starts a server with these manners and fetches from it. */
async function fetchFrom(...manners: Manner[]): Promise<string> {
  await server?.close();
  server = await serve(made.content, ...manners);
  return fetchNow();
}

function fetchNow(options: Partial<ArchiveOptions> = {}, { archive }: MadeArchive = made) {
  const onProgress = (progress: ArchiveProgress) => void steps.push(progress);
  const usual = { cache, patienceMilliseconds: 300, advice, onProgress };
  return fetchArchive({ ...archive, url: server.url }, { ...usual, ...options });
}

const errorOf = (attempt: Promise<unknown>): Promise<Error> =>
  attempt.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );

async function expectFilled(folder: string): Promise<void> {
  for (const [name, content] of files)
    expect((await readFile(join(folder, name))).equals(Buffer.from(content))).toBe(true);
  expect((await readdir(folder)).sort()).toEqual(
    ["antler.json", ...files.map(([name]) => name)].sort(),
  );
  // Neither parts nor locks are left.
  expect(await readdir(home())).toEqual([made.archive.folder]);
  expect(await cachedArchive({ ...made.archive, url: "" }, cache)).toBe(folder);
}

/** Nothing that would be trusted or gone on from. */
async function expectNothing(): Promise<void> {
  expect(await readdir(home())).toEqual([]);
  expect(await cachedArchive({ ...made.archive, url: "" }, cache)).toBeUndefined();
}

describe("an archive that comes as it should", () => {
  it("is downloaded once, told step by step, and then found", async () => {
    const folder = await fetchFrom();
    expect(folder).toBe(join(home(), made.archive.folder));
    await expectFilled(folder);
    const { title } = made.archive;
    for (const step of steps) expect(step).toMatchObject({ title, total: size, folder });
    const order = steps.map(({ step }) => step).filter((step, i, all) => step !== all[i - 1]);
    expect(order).toEqual(["download", "check", "unpack", "done"]);
    const received = steps.map((step) => step.received);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(received[0]).toBe(0);

    steps = [];
    expect(await fetchNow()).toBe(folder);
    expect(server.requests).toHaveLength(1);
    expect(steps).toEqual([]);
  });

  it.each([
    ["in chunks of no told length", { isChunked: true }],
    ["with a Content-Encoding that is none", { headers: { "content-encoding": "x-gzip" } }],
  ])("%s", async (_, manner) => expectFilled(await fetchFrom(manner)));

  it("takes what it wants from the folder of its name only", async () => {
    const other = { path: "other/file_1.bin", content: noise(10, 9) };
    const meta = { path: "cifar-10-batches-bin/batches.meta.txt", content: noise(61, 9) };
    const huge = { path: "cifar-10-batches-bin/readme.html", content: noise(80, 9) };
    const more = archiveOf(files, [other, meta, huge]);
    server = await serve(more.content);
    const folder = await fetchNow({}, more);
    expect((await readdir(folder)).sort()).toEqual(
      ["antler.json", "batches.meta.txt", ...files.map(([name]) => name)].sort(),
    );
  });

  it("is fetched again where the cache is not whole, or of another archive", async () => {
    const folder = await fetchFrom();
    const breaks = [
      () => rm(join(folder, "file_2.bin")),
      () => writeFile(join(folder, "file_2.bin"), "short"),
      () => rm(join(folder, "antler.json")),
      () => writeFile(join(folder, "antler.json"), "{}"),
    ];
    for (const [i, damage] of breaks.entries()) {
      await damage();
      expect(await cachedArchive({ ...made.archive, url: "" }, cache)).toBeUndefined();
      await expectFilled(await fetchNow());
      expect(server.requests).toHaveLength(i + 2);
    }
    const sha256 = "0".repeat(64);
    expect(await cachedArchive({ ...made.archive, sha256, url: "" }, cache)).toBeUndefined();
  });

  it("comes over redirects", async () => {
    const target = await serve(made.content);
    try {
      const moved = { status: 302, headers: { location: target.url } };
      await expectFilled(await fetchFrom(moved));
      expect(target.requests).toHaveLength(1);
      const circle = await serve(made.content, { status: 301, headers: { location: "/" } });
      server = circle;
      const other = await mkdtemp(join(root, "cache-"));
      const error = await errorOf(fetchNow({ cache: other }));
      expect(error.message).toContain("got no network (more than 10 redirects)");
      expect(circle.requests).toHaveLength(11);
    } finally {
      await target.close();
    }
  });
});

describe("a connection that breaks", () => {
  const etag = '"v1"';

  it("is taken up again in the same run, as often as bytes come", async () => {
    const manner = { breakAt: 16_384, etag };
    await expectFilled(await fetchFrom(manner));
    const [first, ...others] = server.requests;
    expect(first.range).toBeUndefined();
    expect(others.length).toBeGreaterThanOrEqual(Math.floor(size / 16_384));
    // What a connection held when it broke may be lost, so not each range is known.
    const ranges = others.filter(({ range }) => range !== undefined);
    expect(ranges.length).toBeGreaterThanOrEqual(Math.floor(size / 16_384));
    for (const request of ranges) expect(request["if-range"]).toBe(etag);
    const starts = ranges.map(({ range }) => Number(/\d+/.exec(range!)));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it("is taken up again in the next run", async () => {
    const error = await errorOf(fetchFrom({ stallAt: 50_000, etag }));
    expect(error.message).toContain("no network (no byte in 0.3 s)");
    expect((await readFile(partPath())).equals(made.content.subarray(0, 50_000))).toBe(true);
    await server.close();
    server = await serve(made.content, { etag });
    await expectFilled(await fetchNow());
    // Another URL: its version's mark says nothing here.
    expect(server.requests[0].range).toBe("bytes=50000-");
    expect(server.requests[0]["if-range"]).toBeUndefined();
    expect(steps.find(({ step }) => step === "download")?.received).toBe(0);
  });

  it("begins anew where the server ignores ranges", async () => {
    await expectFilled(await fetchFrom({ breakAt: 50_000 }, { ignoresRange: true }));
    expect(server.requests).toHaveLength(2);
    expect(server.sent).toBe(50_000 + size);
  });

  it("begins anew where the server has another version", async () => {
    const other = noise(size, 7);
    await expectFilled(
      await fetchFrom({ breakAt: 50_000, etag: '"v0"', content: other }, { etag }),
    );
    expect(server.requests.map((request) => request["if-range"])).toEqual([undefined, '"v0"']);
  });

  it.each([
    ["the wrong range", { headers: { "content-range": `bytes 7-${size - 1}/${size}` } }],
    [
      "a range of another file",
      { headers: { "content-range": `bytes 50000-${size}/${size + 1}` } },
    ],
    ["no such range", { status: 416 }],
  ])("begins anew where the server gives %s", async (_, manner) => {
    await expectFilled(await fetchFrom({ breakAt: 50_000 }, manner, {}));
    expect(server.requests[2].range).toBeUndefined();
  });

  it("outlives a server that is busy for a moment", async () => {
    await expectFilled(await fetchFrom({ breakAt: 50_000 }, { status: 503 }, {}));
    expect(server.requests[2].range).toBe("bytes=50000-");
  });

  it("ends where it always breaks at the same place", async () => {
    const error = await errorOf(fetchFrom({ breakAt: 50_000, ignoresRange: true }));
    expect(error.message).toMatch(/got no network \(aborted\)\. Do something else\.$/);
    expect(server.requests.length).toBeLessThan(30);
  });
});

describe("bytes that are wrong", () => {
  it("throws them away where they are of one transfer, and says both hashes", async () => {
    const wrong = Buffer.from(made.content);
    wrong[30_000] ^= 1;
    const error = await errorOf(fetchFrom({ content: wrong }));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe(
      `CIFAR-10: the archive from ${server.url} must have the SHA-256 ${made.archive.sha256}, ` +
        `got ${sha256Of(wrong)}. Nothing of it was kept. ${advice}`,
    );
    expect(server.requests).toHaveLength(1);
    await expectNothing();
  });

  it("begins anew once where they were resumed", async () => {
    await mkdir(home(), { recursive: true });
    await writeFile(partPath(), noise(50_000, 8));
    await expectFilled(await fetchFrom());
    expect(server.requests.map(({ range }) => range)).toEqual(["bytes=50000-", undefined]);
    const order = steps.map(({ step }) => step).filter((step, i, all) => step !== all[i - 1]);
    expect(order).toEqual(["download", "check", "download", "check", "unpack", "done"]);
  });

  it("does so once only", async () => {
    const wrong = noise(size, 8);
    const error = await errorOf(fetchFrom({ breakAt: 50_000, content: wrong }, { content: wrong }));
    expect(error.message).toContain(`got ${sha256Of(wrong)}.`);
    expect(server.requests).toHaveLength(3);
    await expectNothing();
  });

  it.each([size, size + 1, 2 * size])("checks a part of %d wrong bytes, too", async (bytes) => {
    await mkdir(home(), { recursive: true });
    await writeFile(partPath(), noise(bytes, 8));
    await expectFilled(await fetchFrom());
    expect(server.requests).toHaveLength(1);
  });

  it("takes a whole part without asking", async () => {
    await mkdir(home(), { recursive: true });
    await writeFile(partPath(), made.content);
    await expectFilled(await fetchFrom());
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ["fewer", noise(60_000, 1), {}, "60000 bytes"],
    ["more", noise(size + 60_000, 1), {}, `${size + 60_000} bytes`],
    ["fewer of no told length", noise(60_000, 1), { isChunked: true }, "60000 bytes"],
    ["more of no told length", noise(size + 60_000, 1), { isChunked: true }, "more"],
  ])("refuses %s bytes", async (_, content, manner, received) => {
    const error = await errorOf(fetchFrom({ ...manner, content }));
    expect(error.message).toBe(
      `CIFAR-10: the archive from ${server.url} must have ${size} bytes, got ${received}. ${advice}`,
    );
    await expectNothing();
  });

  it.each([
    ["no gzip stream", noise(500, 1), "gunzip: must be a gzip stream, got one that is not"],
    ["no tar archive", gzipSync(noise(2000, 1)), "the tar archive must have whole headers"],
    ["one file less", files.slice(1), "must have file_1.bin, got none."],
    ["a file twice", [...files, files[1]], "must have one file_2.bin, got two."],
    ["another size", [...files.slice(1), ["file_1.bin", noise(9, 1)] as const], "40000 bytes in"],
  ])("unpacks nothing of %s, whatever its hash", async (_, what, sentence) => {
    const sent = what instanceof Uint8Array ? what : archiveOf(what).content;
    const archive = { ...made.archive, bytes: sent.length, sha256: sha256Of(sent) };
    server = await serve(sent);
    const error = await errorOf(fetchNow({}, { content: Buffer.from(sent), archive }));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(sentence);
    const [folder] = await readdir(cache);
    expect(await readdir(join(cache, folder))).toEqual(["archive.tar.gz.part"]);
  });
});

describe("no network", () => {
  it.each([
    ["before the answer", {}],
    ["before the first byte", { stallAt: 0 }],
    ["in the middle", { stallAt: 50_000 }],
  ])("is told after a time without a byte: %s", async (place, manner) => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    server = await serve(made.content, manner);
    const url = place === "before the answer" ? `http://127.0.0.1:${port}/a` : server.url;
    const start = performance.now();
    const onProgress = () => {};
    const error = await errorOf(
      fetchArchive(
        { ...made.archive, url },
        { cache, patienceMilliseconds: 300, advice, onProgress },
      ),
    );
    const elapsed = performance.now() - start;
    silent.close();
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe(
      `CIFAR-10: the archive must come from ${url}, got no network (no byte in 0.3 s). ${advice}`,
    );
    expect(elapsed).toBeGreaterThan(290);
    expect(elapsed).toBeLessThan(1500);
    expect(await readdir(home())).not.toContain("lock");
  });

  it("does not count the time that bytes take in all", async () => {
    // 40 pieces, 10 ms each.
    server = await serve(made.content, { isSlow: true });
    await expectFilled(await fetchNow({ patienceMilliseconds: 200 }));
  });

  it("is told at once where nobody answers", async () => {
    server = await serve(made.content);
    await server.close();
    const error = await errorOf(fetchNow({ patienceMilliseconds: 10_000 }));
    expect(error.message).toMatch(/got no network \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)\. Do/);
  });

  it.each([
    [404, "404 Not Found"],
    [403, "403 Forbidden"],
    [500, "500 Internal Server Error"],
    [304, "304 Not Modified"],
  ])("is something else than the answer %d", async (status, text) => {
    const error = await errorOf(fetchFrom({ status }));
    expect(error.message).toBe(
      `CIFAR-10: the archive must come from ${server.url}, got the answer ${text}. ${advice}`,
    );
    await expectNothing();
  });
});

describe("a signal", () => {
  it.each([
    ["connecting", { stallAt: 0 }],
    ["transferring", { stallAt: 50_000 }],
  ])("ends it at once while %s, and leaves what came", async (_, manner) => {
    server = await serve(made.content, manner);
    const controller = new AbortController();
    const attempt = errorOf(fetchNow({ signal: controller.signal, patienceMilliseconds: 10_000 }));
    // What was sent may not have come yet.
    const received = () => steps.at(-1)?.received ?? 0;
    while (received() < manner.stallAt || server.requests.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const start = performance.now();
    controller.abort();
    expect(await attempt).toBe(controller.signal.reason);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(await readdir(home())).not.toContain("lock");
    if (manner.stallAt > 0) expect((await readFile(partPath())).length).toBe(manner.stallAt);
    await expectFilled(await fetchFrom());
  });

  it("ends what waits for another process", async () => {
    await mkdir(home(), { recursive: true });
    await writeFile(join(home(), "lock"), "{}");
    server = await serve(made.content);
    const controller = new AbortController();
    const attempt = errorOf(fetchNow({ signal: controller.signal }));
    while (steps.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(steps.map(({ step }) => step)).toEqual(["wait"]);
    controller.abort();
    expect(await attempt).toBe(controller.signal.reason);
    const late = errorOf(fetchNow({ signal: AbortSignal.abort() }));
    expect((await late).name).toBe("AbortError");
  });
});

describe("a full disk", () => {
  const fullDisk = () =>
    `CIFAR-10: the cache folder ${home()} must have room for 1 MB, got a full disk. ` +
    `Make room, or name another folder by XDG_CACHE_HOME. ${advice}`;

  it.each(["ENOSPC", "EDQUOT"])("while it downloads leaves nothing behind (%s)", async (code) => {
    Object.assign(faults, { room: 50_000, code });
    const error = await errorOf(fetchFrom());
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe(fullDisk());
    await expectNothing();
    endFaults();
    await expectFilled(await fetchNow());
  });

  it.each([0, 70_000, 120_000])("while it unpacks keeps the archive only (%d)", async (room) => {
    faults.room = size + room;
    const error = await errorOf(fetchFrom());
    expect(error.message).toBe(fullDisk());
    expect(await readdir(home())).toEqual(["archive.tar.gz.part"]);
    endFaults();
    await expectFilled(await fetchNow());
    expect(server.requests).toHaveLength(1);
  });

  it("is told from other errors of writing", async () => {
    Object.assign(faults, { room: 50_000, code: "EIO" });
    const error = await errorOf(fetchFrom());
    expect(error.message).toBe(`${partPath()}: must be a writable file, got EIO. ${advice}`);
  });

  it("does not matter to a cache that is filled", async () => {
    const folder = await fetchFrom();
    faults.room = 0;
    expect(await fetchNow()).toBe(folder);
  });
});

describe("several at once", () => {
  it("download once, and all have the files", async () => {
    server = await serve(made.content, { isSlow: true });
    const folders = await Promise.all([fetchNow(), fetchNow(), fetchNow()]);
    for (const folder of folders) await expectFilled(folder);
    expect(server.requests).toHaveLength(1);
    expect(steps.filter(({ step }) => step === "wait")).toHaveLength(2);
    expect(steps.filter(({ step }) => step === "done")).toHaveLength(1);
  });

  it("take over what a killed process left", async () => {
    await mkdir(join(home(), "unpacking-1"), { recursive: true });
    await writeFile(join(home(), "unpacking-1", "file_1.bin"), noise(100, 3));
    await writeFile(partPath(), made.content.subarray(0, 50_000));
    await expectFilled(await fetchFrom());
    expect(server.requests.map(({ range }) => range)).toEqual(["bytes=50000-"]);
  });

  it("end well where one is suspended and another takes its lock", async () => {
    server = await serve(made.content, { stallAt: 50_000 }, {});
    const first = fetchNow({ patienceMilliseconds: 5000 });
    while (server.sent < 50_000) await new Promise((resolve) => setTimeout(resolve, 5));
    // As if nothing had been heard of the first for long.
    await rm(join(home(), "lock"));
    await expectFilled(await fetchNow());
    await expectFilled(await first);
    expect(server.requests).toHaveLength(2);
  });
});
