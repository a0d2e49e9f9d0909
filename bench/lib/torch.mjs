/** PyTorch's side: a Python process that does train steps when it is told to. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../pytorch/step.py", import.meta.url));

/** Their presence changes the kernels or threads that PyTorch chooses. */
const unset = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/** The name of the interpreter in the environment. */
export const pythonVariable = "ANTLER_BENCH_PYTHON";

const hasTorch =
  "import importlib.util as u, sys; sys.exit(not (u.find_spec('torch') and u.find_spec('numpy')))";

/**
 * The interpreter for PyTorch's side: the one that is named, else one on the path that has PyTorch;
 * undefined where there is none.
 *
 * @param {string | undefined} named
 * @throws Error if the named one has no PyTorch
 */
export function findPython(named) {
  const works = (/** @type {string} */ python) =>
    spawnSync(python, ["-c", hasTorch], { stdio: "ignore", env: environment() }).status === 0;
  if (!named) return ["python3", "python"].find(works);
  if (works(named)) return named;
  throw new Error(`${named} is not a Python interpreter with torch and numpy`);
}

function environment() {
  const variables = Object.entries(process.env).filter(([name]) => !unset.includes(name));
  return Object.fromEntries(variables);
}

/** One such process. Requests are answered in their order (see pytorch/step.py). */
export class TorchProcess {
  #child;
  #lines;
  #errors = "";

  /** @param {string} python */
  constructor(python) {
    this.#child = spawn(python, [script], { env: environment(), stdio: "pipe" });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    // A write to a process that ended: what it said is told by the next read.
    this.#child.stdin.on("error", () => {});
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * @param {Readonly<Record<string, unknown>>} command
   * @returns {Promise<any>} the answer, one object
   * @throws Error with what the process said, if it failed
   */
  async ask(command) {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`PyTorch's process ended: ${this.#errors.trim() || "no message"}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`PyTorch's process: ${answer.error}`);
    return answer;
  }

  close() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
