/**
 * The commands, their options and help. Each command's work is in a file of its own that is
 * imported when it runs: help and mistakes come at once.
 */
import { Command, Option } from "commander";
import { datasetNames, defaults, variantNames } from "../lab/settings.ts";
import { version } from "../lab/version.ts";
import type { LabFlags } from "./command-line.ts";
import type { ExplainFlags } from "./explain.ts";
import { explainKinds, folderPath, oneOf, rate, someOf, whole } from "./values.ts";

/** @param signal aborted by Ctrl-C */
export async function commands(signal: AbortSignal): Promise<Command> {
  const antler = configured(new Command("antler"))
    .description("Deep-learning training in TypeScript, compiled to WebAssembly.")
    .version(await version(), "-V, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", exitHelp);
  const lab = antler
    .command("lab")
    .description("run an experiment")
    .helpCommand("help [command]", "print the help of a command");
  lab.addCommand(configured(cifar10Command(signal)));
  antler.addCommand(configured(explainCommand()));
  return antler;
}

function cifar10Command(signal: AbortSignal): Command {
  return new Command("cifar10")
    .description(
      "Train a net of exercise 8 on 32x32 pictures of ten classes, and judge the weights of its " +
        "best epoch on test pictures.",
    )
    .addOption(
      new Option(
        "--variant <names>",
        `the net, or several (a,b): ${variantNames.join(", ")}; alpha comes with Monte Carlo dropout`,
      )
        .argParser(someOf(variantNames, { mc: "Monte Carlo dropout is measured with alpha." }))
        .default([defaults.variant], defaults.variant),
    )
    .option("--epochs <n>", "epochs to train at most (default: the net's own)", whole(1))
    .option("--batch <n>", "pictures in a step (default: the net's own)", whole(1))
    .option("--learning-rate <x>", "the optimizer's rate (default: the net's own)", rate)
    .option("--seed <n>", "same seed, same bits", whole(0, 2 ** 53 - 1), defaults.seed)
    .option("--seeds <n>", "train each net with n seeds, from --seed on", whole(1, 10_000), 1)
    .addOption(threadsOption())
    .addOption(
      new Option("--data <dir>", "folder with CIFAR-10's six files, binary version").env(
        "ANTLER_DATA",
      ),
    )
    .addOption(
      new Option(
        "--dataset <name>",
        `${datasetNames.join(", ")}; cifar10 is downloaded once (170 MB) where no folder is given; ` +
          "auto: cifar10 where a folder is given or it was downloaded, else embedded",
      )
        .argParser(oneOf(datasetNames))
        .default(defaults.dataset),
    )
    .option("--limit <n>", "train on the first n training pictures only", whole(1))
    .option(
      "--out <dir>",
      "folder that each run gets a folder in: models, history, TensorBoard logs, run.json",
      folderPath,
      defaults.out,
    )
    .option(
      "--resume",
      "go on where the same run was interrupted; tell a finished one's result again",
    )
    .option("--json", "print one JSON object a line, and nothing else")
    .addHelpText("after", cifar10Help)
    .action(async (flags: LabFlags) => {
      const { runLab } = await import("./lab.ts");
      await runLab(flags, signal);
    });
}

function explainCommand(): Command {
  return new Command("explain")
    .description("Show the program that a net's step is compiled to.")
    .addOption(variantOption())
    .option("--batch <n>", "pictures in a step (default: the net's own)", whole(1))
    .addOption(threadsOption())
    .addOption(
      new Option("--kind <kind>", "the step: train, evaluate or mc (Monte Carlo predict)")
        .argParser(oneOf(explainKinds))
        .default("train"),
    )
    .option("--samples <n>", "of --kind mc, whose costs are added up (default: 100)", whole(1))
    .option("--profile", "time each kernel alone in a loop, and tell its share of the peak")
    .action(async (flags: ExplainFlags) => {
      const { explain } = await import("./explain.ts");
      await explain(flags);
    });
}

const variantOption = (): Option =>
  new Option("--variant <name>", `the net: ${variantNames.join(", ")}`)
    .argParser(oneOf(variantNames))
    .default(defaults.variant);

const threadsOption = (): Option =>
  new Option("--threads <n>", "worker threads (default: the processors, at most 8)").argParser(
    whole(1, 256),
  );

/** Errors as one line, and as exceptions: only main.ts ends the process. */
function configured(command: Command): Command {
  return command.exitOverride().configureOutput({
    outputError: (text, write) => write(`${text.trim().replace(/\s*\n\s*/g, " ")}\n`),
  });
}

const exitHelp = `
Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.`;

const cifar10Help = `
Without a folder, and unless CIFAR-10 was downloaded before, it trains on the embedded pictures:
generated shapes, not CIFAR-10.

Examples:
  antler lab cifar10 --epochs 3
  antler lab cifar10 --variant elu,bn,selu --seeds 5
  antler lab cifar10 --variant elu,bn,selu --seeds 5 --resume
  antler lab cifar10 --dataset cifar10
  antler lab cifar10 --data cifar-10-batches-bin --json > run.jsonl
  antler lab cifar10 --dataset embedded --limit 3200 --epochs 1`;
