/** `antler explain --kind mc`: both programs of Monte Carlo predict, and what N samples cost. */

import type { Sequential } from "../api/sequential.ts";
import { sizeOf } from "../base/shape.ts";
import type { Program } from "../compile/program.ts";
import { stepNames } from "../model/step.ts";
import type { Engine } from "../runtime/engine.ts";
import { count } from "./text.ts";

/** The programs of Monte Carlo predict. */
export interface McPrograms {
  /** Once for each batch; absent where the noise is at the inputs. */
  readonly trunk: Program | undefined;
  /** Once for each batch and every `copies` samples. */
  readonly head: Program;
  readonly copies: number;
}

/**
 * The programs that the engine loads for batches of pictures.
 *
 * @throws ValueError where the net has no noise
 */
export async function mcPrograms(
  { net }: Pick<Sequential, "net">,
  batch: number,
  engine: Engine,
): Promise<McPrograms> {
  const [inputShape] = net.topology.inputShapes;
  const { trunk, head, kept, copies } = net.mcStepOf({
    batch,
    x: [{ dtype: "uint8", shape: inputShape }],
  });
  const upload = (data: Uint8Array | Float32Array, shape: readonly number[]) =>
    engine.upload({ data, shape: [batch, ...shape] });
  const pictures = new Uint8Array(batch * sizeOf(inputShape));
  const tables = { [stepNames.x(0)]: await upload(pictures, inputShape) };
  const first = trunk && (await engine.load(trunk.traced, tables));
  for (const { name, shape } of kept)
    tables[name] = await upload(new Float32Array(batch * sizeOf(shape)), shape);
  const second = await engine.load(head.traced, tables);
  return { trunk: first?.program, head: second.program!, copies };
}

/** What so many samples of a batch cost, beside a forward pass for each. */
export function mcSums(
  { trunk, head, copies }: McPrograms,
  batch: number,
  samples: number,
): string {
  const once = trunk?.report.flops ?? 0;
  const each = head.report.flops / copies;
  const all = Math.ceil(samples / copies) * head.report.flops;
  const sum = once + all;
  const whole = samples * (once + each);
  return [
    `FLOPs of ${count(samples)} samples of a batch of ${count(batch)}`,
    `  trunk      ${count(once)}, once`,
    `  head       ${count(each)} a sample, ${count(all)} for all`,
    `  sum        ${count(sum)}`,
    `  uncut      ${count(whole)}, ${(whole / sum).toFixed(1)} times as many`,
    "",
  ].join("\n");
}
