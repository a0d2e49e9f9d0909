/** What the host's WebAssembly can do, found out by trying. */
import { enableRelaxedSimd } from "#host";
import { Code } from "../compile/wasm/assembler.ts";

let fuses: boolean | undefined;

/**
 * Whether `f32x4.relaxed_madd` is there and rounds once. Where it is there but rounds twice it has
 * no use: it is as slow as two instructions.
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
  const bytes = moduleOf(code.finish());
  if (!WebAssembly.validate(bytes)) return false;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return (exports as { f: () => number }).f() === bitsOf(2 ** -24);
  } catch {
    // A page's policy forbids WebAssembly: the device says so when it compiles its first program.
    return false;
  }
}

const bitsOf = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0]!;

/**
 * A module that exports the function `f: () -> i32` of this body (under 126 bytes). It has no memory,
 * for which a host would set about 10 GiB of addresses aside.
 */
function moduleOf(body: readonly number[]): Uint8Array<ArrayBuffer> {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const types = [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const names = [0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00];
  const codes = [0x0a, body.length + 2, 0x01, body.length, ...body];
  return Uint8Array.from([...header, ...types, ...functions, ...names, ...codes]);
}
