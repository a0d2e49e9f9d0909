// Runs the long forms of tests: 10,000 damaged files for each reader, a hundred kills, and what else
// asks for ANTLER_SOAK. A test file takes part by having that word, or `mutantCount`, in it.
//
//     npm run soak              all of them; half an hour or more
//     npm run soak -- formats   those with this in their path
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const words = process.argv.slice(2);

const files = ["src", "test", "bench"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.test\.m?ts$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  )
  .filter((path) => /ANTLER_SOAK|mutantCount/.test(readFileSync(join(root, path), "utf8")))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`No test with a long form has ${words.join(" or ")} in its path.`);
  process.exit(1);
}

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")));
const { status } = spawnSync(process.execPath, [join(vitest, "vitest.mjs"), "run", ...files], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ANTLER_SOAK: "1" },
});
process.exit(status ?? 1);
