/** `antler explain`: what a net's step is compiled to. */

import { sizeOf } from "../base/shape.ts";
import type { Program } from "../compile/program.ts";
import { defaults, type VariantName } from "../lab/settings.ts";
import { variantModel } from "../lab/variants.ts";
import { inputRows, targetRows } from "../model/data.ts";
import { Programs } from "../model/programs.ts";
import { Engine } from "../runtime/engine.ts";
import { profileKernels } from "../runtime/profile.ts";
import { explanation } from "./explanation.ts";
import { terminalOf } from "./terminal.ts";

/** The options as parsed. */
export interface ExplainFlags {
  readonly variant: VariantName;
  readonly batch: number;
  readonly threads?: number;
  readonly kind: "train" | "evaluate";
  readonly profile?: boolean;
}

/** Prints the program that the engine loads for such a step. */
export async function explain(flags: ExplainFlags): Promise<void> {
  const program = await programOf(flags);
  const { style, write } = terminalOf(process.stdout);
  const times = flags.profile ? profileKernels(program) : undefined;
  const { variant, kind, batch } = flags;
  const title = `${variant}, ${kind} step, batch ${batch}`;
  write(explanation(title, program, times, (text) => style("bold", text)));
}

async function programOf({ variant, batch, threads, kind }: ExplainFlags): Promise<Program> {
  const engine = new Engine({ threads });
  try {
    const { net } = variantModel(variant, { seed: defaults.seed, engine });
    const { inputShape, outputShape } = net.topology;
    const x = { data: new Uint8Array(batch * sizeOf(inputShape)), shape: [batch, ...inputShape] };
    const y = { data: new Uint8Array(batch), shape: [batch] };
    const rows = inputRows(x, inputShape, "explain");
    const targets = targetRows(y, batch, outputShape, net.compiledFor("explain"), "explain");
    const programs = await Programs.open(net, kind === "train" ? "train" : "test", rows, targets);
    const { execution } = await programs.of(batch);
    return execution.program!;
  } finally {
    await engine.close();
  }
}
