/** Bundles for pages, made of the built package the way a user's bundler makes them. */
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = join(import.meta.dirname, "../..");

export interface Bundle {
  readonly text: string;
  /** Files in it, from the root of the project. */
  readonly files: readonly string[];
  /** What it leaves to be found when it runs. */
  readonly imports: readonly string[];
}

/**
 * Bundles a module's text as if it lay in the project's folder: "antler" is what package.json says,
 * `dist/` under the condition `browser`.
 */
export async function bundle(text: string, options: BuildOptions = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    bundle: true,
    format: "esm",
    minify: true,
    ...options,
    stdin: { contents: text, resolveDir: root, loader: "js" },
    write: false,
    metafile: true,
    absWorkingDir: root,
    logLevel: "silent", // The error that it throws has it all.
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return {
    text: outputFiles[0]!.text,
    files: Object.keys(metafile.inputs),
    imports: imports.map(({ path }) => path),
  };
}
