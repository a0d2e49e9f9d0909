// Lets the real programs open what Antler writes: Keras 3, tf_keras, TensorBoard, safetensors.
//
//     npm run verify [NAME...]
//
// Runs the scripts beside this one and tools/golden/open_*.py, or those whose names are given. Their
// packages go into virtual environments in the cache folder, made at the first run (Python 3.11 or later
// as `python3`): those of tools/golden/requirements.txt, and for tf_keras and TensorBoard those of
// requirements-legacy.txt. ANTLER_PYTHON and ANTLER_PYTHON_LEGACY name interpreters that have them.
// Ends with `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const golden = join(here, "..", "golden");
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");

/** Keras 2 needs TensorFlow, which goes with other versions: environments of their own. */
const environments = {
  keras: {
    variable: "ANTLER_PYTHON",
    requirements: join(golden, "requirements.txt"),
  },
  legacy: {
    variable: "ANTLER_PYTHON_LEGACY",
    requirements: join(golden, "requirements-legacy.txt"),
  },
};

/** The interpreter of an environment, which is made where it is missing. */
function pythonOf({ variable, requirements }) {
  const given = process.env[variable];
  if (given) return given;
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const folder = join(cache, "antler", `verify-${hash.slice(0, 12)}`);
  const python = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const done = join(folder, "complete");
  if (existsSync(done)) return python;
  console.log(`Installing ${requirements} to ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  command("python3", ["-m", "venv", folder]);
  command(python, ["-m", "pip", "install", "--quiet", "-r", requirements]);
  writeFileSync(done, "");
  return python;
}

function command(name, args) {
  const { status, error } = spawnSync(name, args, { stdio: "inherit" });
  if (status !== 0) throw error ?? new Error(`${name} ${args.join(" ")}: ended with ${status}`);
}

const isWanted = (name) => {
  const wanted = process.argv.slice(2);
  return wanted.length === 0 || wanted.some((one) => name.includes(one));
};

const scriptsIn = (folder, pattern) =>
  readdirSync(folder)
    .filter((name) => pattern.test(name) && isWanted(name))
    .map((name) => join(folder, name));

const scripts = [...scriptsIn(here, /^[^_].*\.py$/), ...scriptsIn(golden, /^open_.*\.py$/)];

const failed = [];
for (const script of scripts) {
  const name = script.split(/[\\/]/).at(-1);
  console.log(`== ${name}`);
  try {
    const { legacy, keras } = environments;
    command(pythonOf(/legacy|tensor_board/.test(name) ? legacy : keras), [script]);
  } catch (error) {
    console.error(error.message);
    failed.push(name);
  }
}
for (const name of failed) console.log(`FAILED: ${name}`);
console.log(`${scripts.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || scripts.length === 0 ? 1 : 0;
