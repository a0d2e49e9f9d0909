/** `antler explain`: what a net's step is compiled to. */

import { sizeOf } from "../base/shape.ts";
import type { Program } from "../compile/program.ts";
import { defaults, trainings, type VariantName } from "../lab/settings.ts";
import { variantModel } from "../lab/variants.ts";
import { stepData } from "../model/data.ts";
import { Programs } from "../model/programs.ts";
import { Engine } from "../runtime/engine.ts";
import { profileKernels } from "../runtime/profile.ts";
import { explanation } from "./explanation.ts";
import { terminalOf } from "./terminal.ts";

/** The options as parsed. */
export interface ExplainFlags {
  readonly variant: VariantName;
  readonly batch?: number;
  readonly threads?: number;
  readonly kind: "train" | "evaluate";
  readonly profile?: boolean;
}

/** Prints the program that the engine loads for such a step. */
export async function explain(flags: ExplainFlags): Promise<void> {
  const program = await programOf(flags);
  const { style, write } = terminalOf(process.stdout);
  const times = flags.profile ? profileKernels(program) : undefined;
  const { variant, kind } = flags;
  const batch = batchOf(flags);
  const title = `${variant}, ${kind} step, batch ${batch}`;
  write(explanation(title, program, times, (text) => style("bold", text)));
}

const batchOf = ({ variant, batch = trainings[variant].batchSize }: ExplainFlags): number => batch;

async function programOf(flags: ExplainFlags): Promise<Program> {
  const { variant, threads, kind } = flags;
  const batch = batchOf(flags);
  const engine = new Engine({ threads });
  try {
    const { net } = variantModel(variant, { seed: defaults.seed, engine });
    const [inputShape] = net.topology.inputShapes;
    const x = { data: new Uint8Array(batch * sizeOf(inputShape)), shape: [batch, ...inputShape] };
    const y = { data: new Uint8Array(batch), shape: [batch] };
    const data = stepData(x, y, {}, net.topology, net.compiledFor("explain"), "explain");
    const programs = await Programs.open(net, kind === "train" ? "train" : "test", data);
    const { execution } = await programs.of(batch);
    return execution.program!;
  } finally {
    await engine.close();
  }
}
