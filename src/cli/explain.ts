/** `antler explain`: what a net's step is compiled to. */
import { ValueError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import type { Program } from "../compile/program.ts";
import { defaults, trainings, type VariantName } from "../lab/settings.ts";
import { variantModel } from "../lab/variants.ts";
import { stepData } from "../model/data.ts";
import { leastMcBatch } from "../model/mc-step.ts";
import { Programs } from "../model/programs.ts";
import { Engine } from "../runtime/engine.ts";
import { profileKernels } from "../runtime/profile.ts";
import { type McPrograms, mcPrograms, mcSums } from "./explain-mc.ts";
import { explanation } from "./explanation.ts";
import { terminalOf } from "./terminal.ts";
import type { explainKinds } from "./values.ts";

/** The options as parsed. */
export interface ExplainFlags {
  readonly variant: VariantName;
  readonly batch?: number;
  readonly threads?: number;
  readonly kind: (typeof explainKinds)[number];
  /** Of Monte Carlo predict. */
  readonly samples?: number;
  readonly profile?: boolean;
}

/** What `--samples` is where it is not given. */
const usualSamples = 100;

/**
 * Prints the program that the engine loads for such a step.
 *
 * @throws ValueError for samples of another kind than `mc`, and for `mc` of a net without noise
 */
export async function explain(flags: ExplainFlags): Promise<void> {
  const { variant, kind, samples } = flags;
  if (samples !== undefined && kind !== "mc")
    throw new ValueError({
      who: "explain",
      expected: "--samples goes with --kind mc",
      received: `--kind ${kind}`,
    });
  const { style, write } = terminalOf(process.stdout);
  const batch = batchOf(flags);
  const show = (what: string, program: Program) => {
    const times = flags.profile ? profileKernels(program) : undefined;
    const title = `${variant}, ${what}, batch ${batch}`;
    write(explanation(title, program, times, (text) => style("bold", text)));
  };
  if (kind !== "mc") return show(`${kind} step`, await programOf(flags));
  const programs = await mcProgramsOf(flags);
  if (programs.trunk) {
    show("trunk of Monte Carlo predict", programs.trunk);
    write("\n");
  }
  const { head, copies } = programs;
  show(`head of Monte Carlo predict, ${copies === 1 ? "1 sample" : `${copies} samples`}`, head);
  const [title, ...lines] = mcSums(programs, batch, samples ?? usualSamples).split("\n");
  write(["", style("bold", title), ...lines].join("\n"));
}

const batchOf = ({ variant, kind, batch }: ExplainFlags): number => {
  const given = batch ?? trainings[variant].batchSize;
  return kind === "mc" ? Math.max(leastMcBatch, given) : given;
};

async function mcProgramsOf(flags: ExplainFlags): Promise<McPrograms> {
  const engine = new Engine({ threads: flags.threads });
  try {
    const model = variantModel(flags.variant, { seed: defaults.seed, engine });
    return await mcPrograms(model, batchOf(flags), engine);
  } finally {
    await engine.close();
  }
}

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
