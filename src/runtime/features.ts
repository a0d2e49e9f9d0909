/** What the host's WebAssembly can do, found out by trying. */

import { enableRelaxedSimd, sharedMemoryAvailable } from "#host";
import { Code, Module } from "../compile/wasm/assembler.ts";

let fuses: boolean | undefined;

/**
 * Whether `f32x4.relaxed_madd` is there and rounds once. Where it is there but rounds twice it has
 * no use: it is as slow as two instructions, and other bits come out than on a host that fuses.
 */
export function fusedMultiplyAdd(): boolean {
  fuses ??= tryFusing();
  return fuses;
}

function tryFusing(): boolean {
  enableRelaxedSimd();
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, and rounded to float32 1 + 2^-11: less that, 2^-24 is left
  // only if the product was not rounded.
  const factor = bitsOf(1 + 2 ** -12);
  const code = new Code([], "i32");
  code
    .splat(factor)
    .splat(factor)
    .splat(bitsOf(-(1 + 2 ** -11)));
  code.do("f32x4.relaxed_madd").do("i32x4.extract_lane", 0, 0);
  const module = new Module(false);
  module.export("fused", module.add(code));
  const bytes = module.finish();
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const { fused } = instance.exports as { fused: () => number };
  return fused() === bitsOf(2 ** -24);
}

const bitsOf = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0]!;

/** Whether a WebAssembly memory can be shared with workers. */
export function sharedMemory(): boolean {
  if (!sharedMemoryAvailable()) return false;
  try {
    return (
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof
      SharedArrayBuffer
    );
  } catch {
    return false;
  }
}
