/** For tests: engines that run the fake program on real workers. */
import { Engine } from "./engine.ts";
import { compileFake } from "./fake-program.case.ts";
import { WasmDevice, type WasmOptions } from "./wasm.ts";

export type FakeOptions = Partial<WasmOptions>;

export interface FakeEngine {
  readonly engine: Engine;
  readonly device: WasmDevice;
}

export function fakeEngine(options: FakeOptions = {}): FakeEngine {
  const { shared = true, threads = shared ? 2 : 1 } = options;
  const settings = { threads, shared, fma: false };
  const device = new WasmDevice({
    compile: (computation) => compileFake(computation, settings),
    ...options,
    threads,
    shared,
  });
  return { engine: new Engine({}, device), device };
}
