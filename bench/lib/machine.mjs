/** Where a run was measured. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { fusedMultiplyAdd } from "../../dist/runtime/features.js";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Machine, versions and date. */
export function machine() {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  return {
    date: new Date().toISOString(),
    antler: version,
    commit: commit(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    fma: fusedMultiplyAdd(),
    load: loadavg()[0],
  };
}

/** The commit that is checked out, `+` where files differ from it; undefined outside of git. */
function commit() {
  /** @param {string[]} words */
  const git = (...words) => {
    const { status, stdout } = spawnSync("git", words, { cwd: root, encoding: "utf8" });
    return status === 0 ? stdout.trim() : undefined;
  };
  const name = git("rev-parse", "--short", "HEAD");
  return name && `${name}${git("status", "--porcelain") ? "+" : ""}`;
}
