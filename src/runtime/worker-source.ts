/** The worker's own code, and the messages that it understands. */

/**
 * What a worker does with `{ id, action, value }`; it answers `{ id, value }`. An error is not caught:
 * it ends the worker, and the pool hears of it from the host.
 */
export interface WorkerActions {
  /** The first one: `memory` is the shared one, or undefined for one of its own of `pages` pages. */
  start: { readonly memory: WebAssembly.Memory | undefined; readonly pages: number };
  /** Grows its own memory; the answer is whether that worked. */
  grow: { readonly pages: number };
  /** The answer is a copy of the bytes of each range. */
  read: { readonly ranges: readonly (readonly [address: number, bytes: number])[] };
  write: { readonly address: number; readonly bytes: Uint8Array };
  clear: { readonly address: number; readonly bytes: number };
  /** `module` comes with the first call of a program. */
  run: {
    readonly program: number;
    readonly module: WebAssembly.Module | undefined;
    readonly words: readonly number[];
  };
  drop: { readonly program: number };
}

export interface WorkerMessage<A extends keyof WorkerActions = keyof WorkerActions> {
  readonly id: number;
  readonly action: A;
  readonly value: WorkerActions[A];
}

/** Plain JavaScript as text, so that it loads from source and from the package alike. */
export const workerSource = `
let memory;
const programs = new Map();
const view = (address, bytes) => new Uint8Array(memory.buffer, address, bytes);
const actions = {
  start(given) {
    memory = given.memory ?? new WebAssembly.Memory({ initial: given.pages });
  },
  grow({ pages }) {
    try {
      memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  },
  read: ({ ranges }) => ranges.map(([address, bytes]) => view(address, bytes).slice()),
  write({ address, bytes }) {
    view(address, bytes.length).set(bytes);
  },
  clear({ address, bytes }) {
    view(address, bytes).fill(0);
  },
  run({ program, module, words }) {
    if (module) programs.set(program, new WebAssembly.Instance(module, { env: { memory } }));
    programs.get(program).exports.run(...words);
  },
  drop({ program }) {
    programs.delete(program);
  },
};
receive(({ id, action, value }) => send({ id, value: actions[action](value) }));
`;
