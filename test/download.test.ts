/** CIFAR-10 over a network: the built command, and several processes that fill one cache. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  archiveOf,
  makeTar,
  noise,
  serve,
  sha256Of,
  type TestServer,
  tarHeader,
} from "../src/data/archive.case.ts";

const dist = join(import.meta.dirname, "../dist");

let cache: string;
let server: TestServer | undefined;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "antler-download-"));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(cache, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts Node with the cache of this test, and without what the tests' environment says. */
function start(words: readonly string[], variables: Record<string, string> = {}) {
  const { ANTLER_DATA, NO_COLOR, npm_lifecycle_event, ...rest } = process.env;
  const env = { ...rest, XDG_CACHE_HOME: cache, ...variables };
  const child = spawn(process.execPath, words, { env, cwd: cache });
  let out = "";
  let err = "";
  child.stdout!.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr!.setEncoding("utf8").on("data", (text) => (err += text));
  const end = new Promise<Ended>((resolve) =>
    child.on("close", (code) => resolve({ code, out, err })),
  );
  return { child, end };
}

const lab = (words: string, variables?: Record<string, string>) =>
  start([join(dist, "cli/main.js"), "lab", "cifar10", ...words.split(" ")], variables);

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Bytes that have come, in a folder of the cache. */
const partSize = (home: string): number =>
  statSync(join(cache, "antler", home, "archive.tar.gz.part"), { throwIfNoEntry: false })?.size ??
  0;

/** CIFAR-10 in black, all of class 0, in a few kilobytes: one gzip member a file. */
function blackArchive() {
  const file = new Uint8Array(30_730_000);
  const path = (name: string) => `cifar-10-batches-bin/${name}`;
  const names = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat("test_batch.bin");
  // To the next whole block.
  const content = gzipSync(new Uint8Array(Math.ceil(file.length / 512) * 512), { level: 1 });
  const members = names.flatMap((name) => [
    gzipSync(tarHeader({ path: path(name), content: file })),
    content,
  ]);
  return Buffer.concat([...members, gzipSync(makeTar([]))]);
}

describe("antler lab cifar10 --dataset cifar10", () => {
  const quick = "--limit 64 --epochs 1 --threads 1 --json";

  it("downloads, trains, and finds what it downloaded the next time, by auto too", async () => {
    const content = blackArchive();
    server = await serve(content);
    const variables = {
      ANTLER_CIFAR10_URL: server.url,
      ANTLER_CIFAR10_BYTES: String(content.length),
      ANTLER_CIFAR10_SHA256: sha256Of(content),
    };
    const first = await lab(`--dataset cifar10 ${quick}`, variables).end;
    expect(first.code).toBe(0);
    // Plain lines, where no terminal is; nothing but JSON on standard output.
    const [downloading, cached, ...others] = first.err.split("\n");
    expect(downloading).toMatch(/^Downloading CIFAR-10 \(\d\.\d MB\) from http:/);
    expect(cached).toBe(
      `CIFAR-10 is now in ${join(cache, "antler", `cifar-10-${sha256Of(content).slice(0, 16)}`, "cifar-10-batches-bin")}`,
    );
    expect(others).toEqual([""]);
    const events = first.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ event: "start", dataset: "cifar10", train: 64 });

    await server.close();
    const next = await lab(`--dataset auto ${quick}`, variables).end;
    expect({ code: next.code, err: next.err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(next.out.split("\n")[0])).toMatchObject({ dataset: "cifar10", train: 64 });
    expect(server.requests).toHaveLength(1);
  });

  it("says what else there is where no network is", async () => {
    server = await serve(new Uint8Array(1));
    await server.close();
    const { code, out, err } = await lab(`--dataset cifar10 ${quick}`, {
      ANTLER_CIFAR10_URL: server.url,
    }).end;
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(
      /\nerror: CIFAR-10: the archive must come from http.*, got no network \(connect ECONNREFUSED .*\)\. Name the folder .* --data DIR or ANTLER_DATA, .* --dataset embedded\.\n$/,
    );
  });

  it("refuses an environment that names no archive", async () => {
    const variables = { ANTLER_CIFAR10_BYTES: "many" };
    const { code, err } = await lab(`--dataset cifar10 ${quick}`, variables).end;
    expect(code).toBe(2);
    expect(err).toMatch(/^error: loadCifar10: the source's bytes must be a whole number .*\n$/);
  });

  it("ends on Ctrl-C within a second, with code 130, and keeps what came", async () => {
    server = await serve(noise(1e6, 1), { stallAt: 500_000 });
    const { child, end } = lab("--dataset cifar10", {
      ANTLER_CIFAR10_URL: server.url,
      ANTLER_CIFAR10_BYTES: "1000000",
    });
    await until(() => server!.sent === 500_000);
    const [home] = readdirSync(join(cache, "antler"));
    // What was sent may not be written yet.
    await until(() => partSize(home) === 500_000);
    const pressed = performance.now();
    child.kill("SIGINT");
    const { code, err } = await end;
    expect(performance.now() - pressed).toBeLessThan(1000);
    expect(code).toBe(130);
    expect(err).toMatch(/\n0\.5 MB of CIFAR-10 are kept: the next download goes on there\n$/);
    expect(readdirSync(join(cache, "antler", home))).toEqual(["archive.tar.gz.part"]);
    expect(partSize(home)).toBe(500_000);
  });
});

describe("two processes with one cache", () => {
  const files = [1, 2].map((n) => [`file_${n}.bin`, noise(400_000, n)] as const);
  const { content, archive } = archiveOf(files);
  const script = `
    const { fetchArchive } = await import(process.argv[1]);
    const { files, ...archive } = JSON.parse(process.argv[2]);
    const onProgress = ({ step }) => { if (step === "wait") console.error("waiting"); };
    const options = { patienceMilliseconds: 5000, advice: "", onProgress };
    console.log(await fetchArchive({ ...archive, files: new Map(files) }, options));`;

  function fill(): { child: ChildProcess; end: Promise<Ended> } {
    const text = JSON.stringify({ ...archive, files: [...archive.files], url: server!.url });
    const module = pathToFileURL(join(dist, "data/archive.js")).href;
    return start(["--input-type=module", "--eval", script, module, text]);
  }

  function expectFilled({ code, out, err }: Ended): void {
    expect({ code, err: err.replace("waiting\n", "") }).toEqual({ code: 0, err: "" });
    const folder = out.trim();
    for (const [name, bytes] of files)
      expect(readFileSync(join(folder, name)).equals(Buffer.from(bytes))).toBe(true);
    expect(readdirSync(join(folder, ".."))).toEqual([archive.folder]);
  }

  it("end well when they start at once: one downloads, one waits", async () => {
    server = await serve(content, { isSlow: true });
    const ends = await Promise.all([fill().end, fill().end]);
    for (const end of ends) expectFilled(end);
    expect(server.requests).toHaveLength(1);
    expect(ends.filter(({ err }) => err === "waiting\n")).toHaveLength(1);
  });

  it("end well when one is killed in the middle: the other goes on from there", async () => {
    server = await serve(content, { stallAt: 300_000 }, {});
    const first = fill();
    await until(() => server!.sent === 300_000);
    const second = fill();
    await once(second.child.stderr!, "data");
    await until(() => partSize(`cifar-10-${archive.sha256.slice(0, 16)}`) > 200_000);
    first.child.kill("SIGKILL");
    expectFilled(await second.end);
    expect((await first.end).code).toBeNull();
    expect(server.requests).toHaveLength(2);
    const [, from] = /^bytes=(\d+)-$/.exec(server.requests[1].range ?? "") ?? [];
    expect(Number(from)).toBeGreaterThan(200_000);
  });
});
