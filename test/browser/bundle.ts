/** Bundles for pages, made of the built package the way a user's bundler makes them. */
import { join } from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";

const root = join(import.meta.dirname, "../..");

export interface Bundle {
  /** Text of each file, by its path: `page/main.js` and the pieces that it loads. */
  readonly texts: ReadonlyMap<string, string>;
  /** The file that a page names, and those that it imports from its start: they come at once. */
  readonly start: readonly string[];
  /** Files of the project in all of it, from the root of the project. */
  readonly files: readonly string[];
  /** Those in what comes at once. */
  readonly filesAtStart: readonly string[];
  /** What it leaves to be found when it runs. */
  readonly imports: readonly string[];
}

/**
 * Bundles a module's text as if it were `main.js` in the project's folder: "antler" is what
 * package.json says, `dist/` under the condition `browser`.
 */
export async function bundle(text: string, options: BuildOptions = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    bundle: true,
    format: "esm",
    minify: true,
    splitting: true,
    outdir: "page",
    ...options,
    entryNames: "main",
    stdin: { contents: text, resolveDir: root, loader: "js" },
    write: false,
    metafile: true,
    absWorkingDir: root,
    logLevel: "silent", // The error that it throws has it all.
  });
  const outputs = Object.entries(metafile.outputs);
  const [entry] = outputs.find(([, { entryPoint }]) => entryPoint === "<stdin>")!;
  const start = loadedWith(entry, metafile);
  return {
    texts: new Map(outputs.map(([path], i) => [path, outputFiles[i]!.text])),
    start,
    files: Object.keys(metafile.inputs),
    filesAtStart: start.flatMap((path) => Object.keys(metafile.outputs[path]!.inputs)),
    imports: outputs
      .flatMap(([, { imports }]) => imports)
      .filter(({ external }) => external)
      .map(({ path }) => path),
  };
}

/** A file and what it imports with statements, directly or not. */
function loadedWith(entry: string, { outputs }: Metafile): string[] {
  const found = [entry];
  for (const path of found)
    for (const { kind, path: next } of outputs[path]!.imports)
      if (kind === "import-statement" && !found.includes(next) && next in outputs) found.push(next);
  return found;
}
