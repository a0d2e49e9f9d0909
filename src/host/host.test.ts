import { createHash } from "node:crypto";
import { mkdtemp, readFile as readBytes, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AntlerError, DataError, DeviceError, StateError } from "../base/errors.ts";
import * as browser from "./browser.ts";
import type { Host, HostWorker } from "./host.ts";
import * as node from "./node.ts";

// Both are a whole host; the compiler checks the types.
const hosts: readonly Host[] = [node, browser];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "antler-host-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("both hosts", () => {
  it("export the same names", () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
  });

  it("hash with SHA-256, a view of shared memory too", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
    shared.set([97, 98, 99]);
    for (const host of hosts) {
      // FIPS 180-4, "abc".
      const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      expect(await host.sha256(new TextEncoder().encode("abc"))).toBe(abc);
      expect(await host.sha256(shared)).toBe(abc);
    }
  });

  it("have a clock that goes on from the start of the process", async () => {
    for (const host of hosts) {
      const before = host.now();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const elapsed = host.now() - before;
      expect(elapsed).toBeGreaterThan(15);
      expect(before).toBeGreaterThan(host.processStart());
    }
    const sinceStart = node.now() - node.processStart();
    expect(Math.abs(sinceStart - process.uptime() * 1000)).toBeLessThan(1000);
  });

  it("count processors", () => {
    for (const host of hosts) expect(host.cpuCount()).toBeGreaterThanOrEqual(1);
  });
});

describe("CRC-32", () => {
  it("is the same on both hosts", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect([node.crc32(bytes), browser.crc32(bytes)]).toEqual([0xcbf43926, 0xcbf43926]);
    expect(node.crc32(bytes.subarray(1))).toBe(browser.crc32(bytes.subarray(1)));
  });
});

describe("browser files", () => {
  it("reject with a StateError that says so", async () => {
    const calls = [
      browser.readFile("a"),
      browser.readInto("a", new Uint8Array(1), 0),
      browser.fileSize("a"),
      browser.isDirectory("a"),
      browser.writeFileAtomic("a", new Uint8Array(1)),
      browser.appendFile("a"),
      browser.makeFolder("a"),
      browser.listFolder("a"),
      browser.renamePath("a", "b"),
      browser.removePath("a"),
      browser.truncateFile("a", 0),
      browser.lockFile("a"),
      browser.httpGet("http://a", {}, AbortSignal.timeout(1)),
      browser.sha256OfChunks(browser.readChunks("a")),
      browser.readChunks("a")[Symbol.asyncIterator]().next(),
      browser.gunzip(browser.readChunks("a"))[Symbol.asyncIterator]().next(),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(StateError);
    await expect(browser.readFile("a")).rejects.toThrow(
      "readFile: files need Node, got a browser.",
    );
    expect(browser.cacheFolder).toThrow("cacheFolder: files need Node, got a browser.");
    expect(browser.joinPath("a/", "b", "c")).toBe("a/b/c");
  });
});

describe("node files", () => {
  it("are read whole, and in part into a buffer", async () => {
    const path = node.joinPath(folder, "ten.bin");
    const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);
    await writeFile(path, bytes);
    expect(Array.from(await node.readFile(path))).toEqual(Array.from(bytes));
    const buffer = new Uint8Array(14).fill(255);
    expect(await node.readInto(path, buffer, 2)).toBe(10);
    expect(Array.from(buffer)).toEqual([255, 255, ...bytes, 255, 255]);
    expect(await node.readInto(path, buffer, 10)).toBe(4);
    expect(Array.from(buffer.subarray(10))).toEqual([0, 1, 2, 3]);
    expect(await node.fileSize(path)).toBe(10);
  });

  it("are named when they are missing", async () => {
    const path = node.joinPath(folder, "missing.bin");
    const text = `${path}: must be a readable file, got no such file or folder.`;
    await expect(node.readFile(path)).rejects.toThrow(DataError);
    await expect(node.readFile(path)).rejects.toThrow(text);
    await expect(node.readInto(path, new Uint8Array(1), 0)).rejects.toThrow(text);
    expect(await node.fileSize(path)).toBeUndefined();
    expect(await node.fileSize(node.joinPath(path, "below"))).toBeUndefined();
    await expect(node.readFile(folder)).rejects.toThrow("EISDIR");
  });

  it("are told from folders", async () => {
    const path = node.joinPath(folder, "file");
    await writeFile(path, "x");
    await symlink(folder, node.joinPath(folder, "link"));
    expect(await node.isDirectory(folder)).toBe(true);
    expect(await node.isDirectory(node.joinPath(folder, "link"))).toBe(true);
    expect(await node.isDirectory(path)).toBe(false);
    expect(await node.isDirectory(node.joinPath(folder, "none"))).toBe(false);
    expect(await node.fileSize(folder)).toBeUndefined();
  });

  it("are cut off, and never made longer", async () => {
    const path = node.joinPath(folder, "cut.bin");
    await writeFile(path, "0123456789");
    await node.truncateFile(path, 10);
    await node.truncateFile(path, 4);
    expect(await readBytes(path, "utf8")).toBe("0123");
    await expect(node.truncateFile(path, 5)).rejects.toThrow(
      `${path}: must have at least 5 bytes, got 4.`,
    );
    const missing = node.joinPath(folder, "no-log.bin");
    await expect(node.truncateFile(missing, 0)).rejects.toThrow(
      `${missing}: must be a writable file, got no such file or folder.`,
    );
    expect(await node.fileSize(missing)).toBeUndefined();
  });

  it("are in folders that are made with their parents", async () => {
    const path = node.joinPath(folder, "made", "with", "parents");
    await Promise.all([node.makeFolder(path), node.makeFolder(path), node.makeFolder(path)]);
    expect(await node.isDirectory(path)).toBe(true);
    const file = node.joinPath(folder, "made", "file");
    await writeFile(file, "");
    const refused = (at: string, reason: string) =>
      expect(node.makeFolder(at)).rejects.toThrow(
        `${at}: must be a folder that can be made, got ${reason}.`,
      );
    await refused(file, "EEXIST");
    await refused(node.joinPath(file, "below"), "ENOTDIR");
    const deep = node.joinPath(folder, "many", "at", "once");
    await Promise.all(Array.from({ length: 20 }, () => node.makeFolder(deep)));
    expect(await node.isDirectory(deep)).toBe(true);
    // Nobody can make folders there; Node's own `mkdir` with parents would never come back.
    if (process.platform === "linux") await refused("/proc/none/below", "no such file or folder");
  });

  it("are written atomically, over old ones too, and leave nothing behind", async () => {
    const path = node.joinPath(folder, "out", "weights.bin");
    await expect(node.writeFileAtomic(path, new Uint8Array(3))).rejects.toThrow(DataError);
    const target = node.joinPath(folder, "atomic.bin");
    await node.writeFileAtomic(target, new Uint8Array(5).fill(7));
    await node.writeFileAtomic(target, new Uint8Array([1, 2]));
    expect(Array.from(await readBytes(target))).toEqual([1, 2]);
    // Those of a process that was killed are removed, also where it had our number (in a container that
    // was started again); those of one that runs and other files are not.
    const machine = hostname().replace(/[^\w-]/g, "_");
    const names = [process.ppid, process.pid, 2 ** 22 + 1].map(
      (pid) => `.new.bin.${machine}.${pid}.0.tmp`,
    );
    for (const name of [...names, ".new.bin.x.tmp"])
      await writeFile(node.joinPath(folder, name), "");
    await node.writeFileAtomic(node.joinPath(folder, "new.bin"), new Uint8Array(1));
    const kept = (await node.listFolder(folder)).filter((name) => name.startsWith(".new.bin"));
    expect(kept.sort()).toEqual([names[0], ".new.bin.x.tmp"].sort());
    for (const name of kept) await node.removePath(node.joinPath(folder, name));
    // A folder cannot be replaced by a file: the write fails at its last step.
    await expect(node.writeFileAtomic(folder, new Uint8Array(1))).rejects.toThrow(
      `${folder}: must be a writable file`,
    );
    const left = [...(await readdir(folder)), ...(await readdir(tmpdir()))];
    expect(left.filter((name) => name.includes(`.${process.pid}.`))).toEqual([]);
  });

  it("come with the environment and the memory that is left", () => {
    expect(node.environment("PATH")).toBe(process.env.PATH);
    expect(node.environment("ANTLER_NO_SUCH_VARIABLE")).toBeUndefined();
    expect(browser.environment("PATH")).toBeUndefined();
    expect(node.processName()).toBe(`${hostname()}.${process.pid}`);
    expect(browser.processName()).toBe("browser.0");
    expect(node.machine()).toEqual({
      runtime: process.version,
      platform: `${process.platform} ${process.arch}`,
      cpu: expect.stringMatching(/./),
    });
    expect(node.memoryAvailable()).toBeGreaterThan(2 ** 20);
  });

  it("switches relaxed SIMD on", () => {
    node.enableRelaxedSimd();
    node.enableRelaxedSimd();
    // (module (func (param v128 v128 v128) (result v128) f32x4.relaxed_madd of the three))
    const module = new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11,
      0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11,
    ]);
    expect(WebAssembly.validate(module)).toBe(true);
  });
});

describe("node workers", () => {
  /** Starts a worker; `next` resolves with the next message or error. */
  function start(source: string) {
    const events: unknown[] = [];
    const waiting: ((event: unknown) => void)[] = [];
    const push = (event: unknown) => {
      const resolve = waiting.shift();
      if (resolve === undefined) events.push(event);
      else resolve(event);
    };
    const worker: HostWorker = node.startWorker(source, push, push);
    worker.ref();
    const next = () =>
      new Promise<unknown>((resolve) => {
        if (events.length > 0) resolve(events.shift());
        else waiting.push(resolve);
      });
    return { worker, next, events };
  }

  it("receive and send values, and share memory", async () => {
    const { worker, next, events } = start(
      "receive(({ cells, value }) => { Atomics.add(cells, 0, value); send({ seen: value }); });",
    );
    const cells = new Int32Array(new SharedArrayBuffer(4));
    worker.post({ cells, value: 5 });
    expect(await next()).toEqual({ seen: 5 });
    worker.post({ cells, value: 6 });
    expect(await next()).toEqual({ seen: 6 });
    expect(cells[0]).toBe(11);
    await worker.terminate();
    expect(events).toEqual([]);
    expect(() => worker.post(1)).toThrow(StateError);
  });

  it("take buffers over and give them back", async () => {
    const { worker, next } = start("receive((buffer) => send(buffer, [buffer]));");
    const buffer = new ArrayBuffer(16);
    worker.post(buffer, [buffer]);
    expect(buffer.byteLength).toBe(0);
    expect(((await next()) as ArrayBuffer).byteLength).toBe(16);
    await worker.terminate();
  });

  it.each([
    ["an uncaught error", 'throw new TypeError("broken at start")', "TypeError: broken at start"],
    [
      "an error in a handler",
      'receive(() => { throw new Error("in a handler") })',
      "Error: in a handler",
    ],
    ["an unhandled rejection", 'Promise.reject(new RangeError("late"))', "RangeError: late"],
    ["a thrown value", 'throw "text"', '"text"'],
    ["bad syntax", "this is no program", "SyntaxError"],
    ["an exit of its own", "receive(() => process.exit(3))", "exit code 3"],
    ["the end of its work", "1 + 1", "exit code 0"],
  ])("report %s once", async (_, source, text) => {
    const { worker, next, events } = start(source);
    worker.post("go");
    const error = await next();
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as AntlerError).message).toContain(
      `worker: must run until it is terminated, got ${text}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(events).toEqual([]);
    await worker.terminate();
  });

  it("end in the middle of an endless loop, in silence", async () => {
    const { worker, next, events } = start("send(1); for (;;) {}");
    expect(await next()).toBe(1);
    await worker.terminate();
    await worker.terminate();
    expect(events).toEqual([]);
  });

  const fail = (error: Error) => {
    throw error;
  };

  it("hold the process only while they are ref'ed", async () => {
    const held = () => process.getActiveResourcesInfo().filter((name) => /Worker|Port/.test(name));
    const before = held().length;
    const worker = node.startWorker("receive(() => {})", () => {}, fail);
    expect(held().length).toBe(before);
    worker.ref();
    expect(held().length).toBeGreaterThan(before);
    worker.unref();
    expect(held().length).toBe(before);
    await worker.terminate();
  });
});

it("the digest of the test agrees with Node's own", async () => {
  const bytes = new Uint8Array(1000).map((_, i) => i * 7);
  const expected = createHash("sha256").update(bytes).digest("hex");
  for (const host of hosts) expect(await host.sha256(bytes)).toBe(expected);
});
