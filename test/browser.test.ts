/** The built package in a real browser: the same bits as here, and the host that browsers have. */
import { readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { availableParallelism } from "node:os";
import { join, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as hdf5 from "../src/formats/hdf5.ts";
import * as zip from "../src/formats/zip.ts";
import * as antler from "../src/index.ts";
import { fusedMultiplyAdd } from "../src/runtime/features.ts";
import type { Actions } from "./browser/actions.ts";
import { type Bundle, bundle } from "./browser/bundle.ts";
import { Chromium, findChromium } from "./browser/chromium.ts";
import { writeAndRead } from "./browser/files.ts";
import type { Page } from "./browser/page.ts";
import { type Answer, endServer, portOf, serve } from "./browser/server.ts";
import { abort, fitSmall, mistakes, saveAndLoad } from "./browser/small.ts";
import { type Training, train } from "./browser/training.ts";

const root = join(import.meta.dirname, "..");
const guide = readFileSync(join(root, "docs/browser.md"), "utf8");

/** The guide's blocks in this language, joined. */
const block = (language: string): string =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))]
    .map(([, text]) => text)
    .join("");

/** The headers that the guide asks for, by name. */
const headers = Object.fromEntries(
  block("http")
    .trim()
    .split("\n")
    .map((line) => line.split(": ") as [string, string]),
);
const { "Content-Security-Policy": policy, ...isolation }: Record<string, string> = headers;

/** The options of the guide's call of esbuild. */
const options = Object.fromEntries(
  [...block("sh").matchAll(/--(\w+)(?:=(\S+))?/g)].map(([, name, value]) => [name, value ?? true]),
);

const [javascript, html] = ["text/javascript", "text/html"] as const;

/** The functions that pages are asked for, and the guide's page. */
let [tests, example]: Bundle[] = [];

beforeAll(async () => {
  tests = await bundle(`
    import * as antler from "antler";
    import * as host from "./dist/host/browser.js";
    import * as hdf5 from "./dist/formats/hdf5.js";
    import * as zip from "./dist/formats/zip.js";
    import { actionsOf } from "./test/browser/actions.ts";
    globalThis.actions = actionsOf(antler, host, { ...hdf5, ...zip });
  `);
  expect(options).toMatchObject({ splitting: true, outdir: "page" });
  example = await bundle(block("js"), options);
});

describe("the package in a bundle", () => {
  it("is what browsers need, without what only Node has", () => {
    for (const { files, imports, texts } of [tests, example]) {
      expect(files).toContain("dist/host/browser.js");
      expect(files).not.toContain("dist/host/node.js");
      expect(imports).toEqual([]);
      for (const text of texts.values()) expect(text).not.toMatch(/["']node:/);
    }
    // A check that finds nothing anywhere passes too.
    const node = readFileSync(join(root, "dist/host/node.js"), "utf8");
    expect(node).toMatch(/["']node:/);
  });

  it("is as large as the guide says, and loads what reads files when it is needed", async () => {
    const all = await bundle('export * from "antler"; export * from "./dist/formats/hdf5.js";');
    const text = all.start.map((path) => all.texts.get(path)!).join("");
    const found = [text.length, gzipSync(text, { level: 9 }).length];
    const [, ...said] = guide.match(/(\d+) kB minified, (\d+) kB with gzip/)!;
    for (const [i, bytes] of found.entries())
      expect(Math.abs(bytes / 1000 / Number(said[i]) - 1), `${found}`).toBeLessThan(0.2);
    const late = ["h5wasm/dist/esm/hdf5_util.js", "@zip.js/zip.js/index.js"];
    for (const name of late) {
      expect(all.files).toContain(`node_modules/${name}`);
      expect(all.filesAtStart).not.toContain(`node_modules/${name}`);
    }
  });
});

/** The modules in a folder, at this path. */
const scripts = (folder: string, path: string): Record<string, Answer> =>
  Object.fromEntries(
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".js"))
      .map((name) => [
        `${path}/${name.split(sep).join("/")}`,
        { type: javascript, text: readFileSync(join(root, folder, name), "utf8") },
      ]),
  );

/** The package's modules, and those that it imports, where an installed package has them. */
const packageFiles = (): Record<string, Answer> => ({
  ...scripts("dist", "/node_modules/antler/dist"),
  ...Object.assign(
    {},
    ...["h5wasm/dist/esm", "@zip.js/zip.js", "@bufbuild/protobuf/dist/esm"].map((name) =>
      scripts(`node_modules/${name}`, `/node_modules/${name}`),
    ),
  ),
});

/** The files of a bundle, below this path. */
const bundleFiles = ({ texts }: Bundle, path: string): Record<string, Answer> =>
  Object.fromEntries(
    [...texts].map(([name, text]) => [
      name.replace(/^page/, path),
      { type: javascript, text } as const,
    ]),
  );

const chromium = findChromium();

describe.skipIf(!chromium)("in headless Chromium", () => {
  let server: Server;
  let browser: Chromium;
  /** Isolated from other origins; not so; and from an address that is not a secure context. */
  let [shared, plain, insecure]: Page[] = [];

  /** What a page's action returns. */
  const ask = <A extends keyof Actions>(
    page: Page,
    action: A,
    ...words: Parameters<Actions[A]>
  ): Promise<Awaited<ReturnType<Actions[A]>>> =>
    page.evaluate(`actions.${action}(...${JSON.stringify(words)})`);

  const at = (path: string, host = "localhost") => `http://${host}:${portOf(server)}${path}`;

  beforeAll(async () => {
    const page = (headers: Record<string, string>, script = "tests/main.js"): Answer => ({
      type: html,
      text: block("html").replace("page/main.js", script),
      headers,
    });
    const importMap = `<script type="importmap">${block("json")}</script>`;
    const unbundled = importMap + block("html").replace("page/main.js", "main.js");
    const noBlobs = policy!.replace("worker-src blob:", "worker-src 'self'");
    const noPrograms = policy!.replace(" 'wasm-unsafe-eval'", "");
    server = await serve({
      "/favicon.ico": { type: html, text: "" },
      ...bundleFiles(tests, "/tests"),
      ...bundleFiles(example, "/page"),
      "/shared": page(isolation),
      "/plain": page({}),
      "/no-blobs": page({ "Content-Security-Policy": noBlobs }),
      "/no-programs": page({ "Content-Security-Policy": noPrograms }),
      "/strict": page(headers),
      "/example": page(headers, "page/main.js"),
      "/unbundled": { type: html, text: unbundled },
      "/main.js": { type: javascript, text: block("js") },
      ...packageFiles(),
    });
    browser = new Chromium(chromium!);
    shared = await browser.open(at("/shared"));
    plain = await browser.open(at("/plain"));
    insecure = await browser.open(at("/plain", "antler.test"));
  });

  afterAll(async () => {
    await browser?.close();
    if (server) await endServer(server);
  });

  /** The training in Node, once for each setting. */
  const trainings = new Map<boolean, Promise<Training>>();
  const trainHere = (fma: boolean): Promise<Training> => {
    const known = trainings.get(fma) ?? train(antler, { shared: true, fma, threads: 1 });
    trainings.set(fma, known);
    return known;
  };
  const fuses = fusedMultiplyAdd();

  describe.each([false, ...(fuses ? [true] : [])])("with fma %s", (fma) => {
    it("trains to Node's bits with four threads that share memory", async () => {
      const { numbers } = await trainHere(fma);
      const there = await ask(shared, "train", { shared: true, fma, threads: 4 });
      expect(there).toEqual({ threads: 4, fma, numbers });
      expect(numbers.losses).toHaveLength(20);
      expect(numbers.digests).toHaveLength(127);
    });

    it("trains to Node's bits with one worker that has its own memory", async () => {
      const { numbers } = await trainHere(fma);
      const there = await ask(plain, "train", { shared: false, fma });
      expect(there).toEqual({ threads: 1, fma, numbers });
    });
  });

  it("fuses multiply-adds by default where Node does", async () => {
    const { fma, numbers } = await ask(shared, "train", {});
    expect({ fma, numbers }).toEqual({ fma: fuses, numbers: (await trainHere(fuses)).numbers });
    // What differs in a few roundings is told apart.
    const { numbers: others } = await trainHere(false);
    expect(others.losses.at(-1) === numbers.losses.at(-1)).toBe(!fuses);
    expect(others.digests.at(-1) === numbers.digests.at(-1)).toBe(!fuses);
  });

  describe("files", () => {
    it("are written to Node's bytes and read, with and without a secure context", async () => {
      const here = await writeAndRead({ ...hdf5, ...zip });
      expect(here.kernel).toEqual([1, -2, 3, Math.fround(0.1), 5, 6]);
      expect(here.attributes).toEqual({ backend: "antler", names: ["dense", "zwölf"] });
      const strict = await browser.open(at("/strict"));
      for (const page of [shared, plain, insecure, strict])
        expect(await ask(page, "writeAndRead")).toEqual(here);
      expect(strict.lines).toEqual([]);
    });

    it("of models have Node's bytes, and training goes on from them", async () => {
      const here = await saveAndLoad(antler, { fma: false });
      expect(here.losses[1]).toBe(here.losses[0]);
      expect(await ask(plain, "saveAndLoad", { fma: false })).toEqual(here);
    });

    const file = join(root, "tools/golden/formats/attributes.h5");
    const whole = readFileSync(file);
    // HDF5 never gets to the end of this one (see src/formats/hdf5.test.ts).
    const endless = Uint8Array.from(whole).fill(0, 2496, 2497);

    it("that HDF5 fails at, or never ends with, are errors", async () => {
      const name = "DataError: a.h5: must be a whole HDF5 file, got";
      expect(await ask(plain, "readBroken", [...endless], 500)).toBe(
        `${name} one that takes more than 500 ms to read.`,
      );
      expect(await ask(plain, "readBroken", [...whole.subarray(0, 4000)], 5000)).toContain(
        `${name} a file of which HDF5 says: truncated file`,
      );
      expect(await ask(plain, "readBroken", [...whole], 5000)).toContain("integer");
    });

    it("are read in the page where it has no workers, and not at all without WebAssembly", async () => {
      const here = await writeAndRead({ ...hdf5, ...zip });
      const noBlobs = await browser.open(at("/no-blobs"));
      expect(await ask(noBlobs, "writeAndRead")).toEqual(here);
      const noPrograms = await browser.open(at("/no-programs"));
      const text = await ask(noPrograms, "readBroken", [...whole], 5000);
      expect(text).toMatch(
        /^DeviceError: HDF5: the HDF5 library \(h5wasm\) must load, got .+Content/,
      );
    });
  });

  it("keeps the names of layers in a minified bundle", async () => {
    const names = await ask(plain, "layerNames");
    expect(names.length).toBeGreaterThan(3);
    for (const [exported, name] of names) expect(name).toBe(exported);
  });

  it("tells of its host", async () => {
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const common = {
      processors: availableParallelism(),
      memory: "unknown",
      environment: "unknown",
      file: "StateError: readFile: files need Node, got a browser. Fetch the bytes and pass them as arrays.",
    };
    const noHash =
      "StateError: sha256: needs a secure context, got a page without one. " +
      "Serve the page over HTTPS or from localhost.";
    const wanted = [
      [shared, { ...common, shared: true, hashes: [abc, abc] }],
      [plain, { ...common, shared: false, hashes: [abc] }],
      [insecure, { ...common, shared: false, hashes: [noHash] }],
    ] as const;
    for (const [page, rest] of wanted) {
      const { elapsed, sinceStart, sinceNavigation, ...facts } = await ask(page, "facts");
      expect(facts).toEqual(rest);
      expect(elapsed).toBeGreaterThan(15);
      expect(Math.abs(sinceStart - sinceNavigation)).toBeLessThan(1000);
    }
  });

  it("trains, judges and predicts without a secure context too", async () => {
    const { numbers } = await ask(insecure, "train", {});
    expect(numbers).toEqual((await trainHere(fuses)).numbers);
  });

  it.each([true, false])(
    "ends as Node does what is aborted or wrong, shared %s",
    async (isShared) => {
      const page = isShared ? shared : plain;
      const setting = { shared: isShared, fma: false };
      expect(await ask(page, "abort", setting)).toEqual(await abort(antler, setting));
      const texts = await ask(page, "mistakes", setting);
      expect(texts).toEqual(await mistakes(antler, setting));
      expect(texts[0]).toContain("no output today");
      expect(texts[1]).toContain("a hook's own");
      expect(texts).not.toContain("no error");
    },
  );

  it("goes on after a worker has failed while others wait for it", async () => {
    const losses = await fitSmall(antler, { fma: false });
    const failed =
      'device "wasm": its workers must run until they are closed, ' +
      "got a worker that ended: TypeError: actions[action] is not a function";
    // The worker's own memory is gone with it; what is shared was being written.
    const lost = 'variable "nadam/iteration": ';
    for (const [page, threads] of [[shared, 4] as const, [plain, 1] as const]) {
      const found = await ask(page, "rob", { fma: false, ...(threads > 1 && { threads }) });
      const errors = [`DeviceError: ${failed}.`, expect.stringContaining(`DeviceError: ${lost}`)];
      expect(found).toEqual({ threads, errors, losses });
    }
  });

  it("waits until a busy worker that it ends has stopped", async () => {
    expect(await ask(shared, "endlessLoopEnds")).toBe(true);
  });

  const lateText = "StateError: worker: must run, got one that has ended.";

  it.each([
    ["receive((value) => send({ seen: value }))", '{"seen":[5]}'],
    ['throw new TypeError("broken at start")', "TypeError: broken at start"],
    ['receive(() => { throw new Error("in a handler") })', "Error: in a handler"],
    ['receive(() => Promise.reject(new RangeError("late")))', "RangeError: late"],
    ['throw "text"', "text"],
    ["this is no program", "SyntaxError: Unexpected identifier 'is'"],
    [
      'self.dispatchEvent(new MessageEvent("messageerror"))',
      "Error: a message that cannot be read",
    ],
  ])("hears once what becomes of a worker: %s", async (source, text) => {
    const isMessage = text.startsWith("{");
    const heard = isMessage
      ? text
      : `DeviceError: worker: must run until it is terminated, got ${text}.`;
    const pages = [shared, plain, insecure];
    const found = await Promise.all(pages.map((page) => ask(page, "worker", source, [5])));
    for (const one of found) expect(one).toEqual([heard, lateText]);
  });

  it("says which part of a Content-Security-Policy is in the way", async () => {
    const noBlobs = await browser.open(at("/no-blobs"));
    const blobs =
      'DeviceError: device "wasm": its workers must run until they are closed, got a worker that ' +
      "ended: one whose text was not loaded (a Content-Security-Policy needs worker-src blob:).";
    // It is no different the second time.
    for (let i = 0; i < 2; i++) expect(await ask(noBlobs, "attemptSmall", {})).toBe(blobs);
    const noPrograms = await browser.open(at("/no-programs"));
    const text = await ask(noPrograms, "attemptSmall", {});
    expect(text).toContain("Content Security");
  });

  it.each([
    ["under the guide's headers", "/example", "shared"],
    ["unbundled, by the guide's import map", "/unbundled", "not shared"],
  ])("runs the guide's page %s", async (_, path, memory) => {
    const page = await browser.open(at(path));
    const said = await page.evaluate<string>(`new Promise((resolve) => {
      const log = document.querySelector("#log");
      const look = () => log.textContent.includes("accuracy") && resolve(log.textContent);
      new MutationObserver(look).observe(log, { childList: true });
      look();
    })`);
    const losses = [...said.matchAll(/^epoch \d: loss (\d+\.\d\d)$/gm)].map(([, text]) =>
      Number(text),
    );
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0]!);
    expect(said).toContain(`threads are ${memory}\n`);
    expect(said).toMatch(/^10 classes, accuracy 0\.\d\d$/m);
    expect(page.lines).toEqual([]);
  });

  it("tells what a page said when it does not answer in time, or fails", async () => {
    const page = await browser.open(at("/plain"));
    await page.evaluate('console.log("still", "here"); setTimeout(() => { throw new Error("x") })');
    await expect(page.evaluate("new Promise(() => {})", 300)).rejects.toThrow(
      /\/plain: no answer in 0.3 s\nThe page said:\n(.|\n)*console.log: still here\n *uncaught: Error: x/,
    );
    await expect(page.evaluate("nothing.there")).rejects.toThrow(
      /ReferenceError: nothing is not defined(.|\n)*still here/,
    );
    await expect(page.evaluate("for (;;) {}", 300)).rejects.toThrow("no answer in 0.3 s");
  });
});
