/** What `npm pack` puts into the package. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const isWindows = process.platform === "win32";
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** All texts in a value that name a file: `./dist/index.js`. */
const targetsIn = (value: unknown): string[] => {
  if (typeof value === "string") return value.startsWith("./") ? [value.slice(2)] : [];
  return Object.entries(value ?? {})
    .filter(([condition]) => condition !== "antler-source")
    .flatMap(([, inner]) => targetsIn(inner));
};

describe("the package", () => {
  let paths: string[];

  beforeAll(() => {
    const words = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const text = execFileSync("npm", words, { cwd: root, encoding: "utf8", shell: isWindows });
    const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(text);
    paths = files.map(({ path }) => path);
  });

  it("has everything that package.json points to", () => {
    const targets = targetsIn([manifest.bin, manifest.exports, manifest.imports]);
    expect(targets).toContain("dist/cli/main.js");
    expect(targets).toContain("dist/index.d.ts");
    for (const target of targets) expect(paths).toContain(target);
  });

  it("has types beside each script, and neither tests nor sources", () => {
    const scripts = paths.filter((path) => path.endsWith(".js"));
    expect(scripts.length).toBeGreaterThan(100);
    for (const script of scripts) expect(paths).toContain(script.replace(/\.js$/, ".d.ts"));
    const others = paths.filter((path) => !/^dist\/.*\.js$|\.d\.ts$/.test(path));
    expect(others.sort()).toEqual(["LICENSE", "README.md", "package.json"]);
    expect(paths.filter((path) => /\.(test|case)\./.test(path))).toEqual([]);
  });

  it("runs no script when it is installed", () => {
    for (const name of ["preinstall", "install", "postinstall", "prepare"])
      expect(manifest.scripts).not.toHaveProperty(name);
  });
});
