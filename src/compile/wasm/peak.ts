/** A module that does nothing but multiply-adds in registers: what a core can reach at most. */
import { Code, Module } from "./assembler.ts";

/** Independent chains: enough to hide the latency of a multiply-add, few enough for the registers. */
const chains = 12;

/** Floating-point operations of one call of `peak(repeats)` of the module, per repeat. */
export const peakFlopsPerRepeat = chains * 4 * 2;

/** The bytes of a module that exports `peak(repeats)`, in multiply-adds of the given kind. */
export function peakModule(fma: boolean): Uint8Array<ArrayBuffer> {
  const code = new Code(["i32"], "v128");
  const [repeats] = code.parameters;
  const factor = code.local("v128");
  const sums = Array.from({ length: chains }, () => code.local("v128"));
  // 0.5 in each lane: the sums stay finite.
  code.splat(0x3f000000).set(factor);
  code.repeatWhile(() => {
    for (const sum of sums) {
      if (fma) code.get(sum).get(factor).get(factor).do("f32x4.relaxed_madd");
      else code.get(sum).get(factor).do("f32x4.mul").get(factor).do("f32x4.add");
      code.set(sum);
    }
    code.get(repeats!).i32(1).do("i32.sub").tee(repeats!);
  });
  code.get(sums[0]!);
  for (const sum of sums.slice(1)) code.get(sum).do("f32x4.add");
  const module = new Module(false);
  // A v128 cannot leave to JavaScript: an outer function drops it to a word.
  const inner = module.add(code);
  const outer = new Code(["i32"], "i32");
  outer.get(outer.parameters[0]!).call(inner, ["i32"], "v128").do("i32x4.extract_lane");
  module.export("peak", module.add(outer));
  return module.finish();
}
