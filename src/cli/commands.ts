/**
 * The commands, their options and help. Each command's work is in a file of its own that is
 * imported when it runs: help and mistakes come at once.
 */
import { Command, Option } from "commander";
import { datasetNames, defaults, variantNames } from "../lab/settings.ts";
import type { ExplainFlags } from "./explain.ts";
import type { LabFlags } from "./lab.ts";
import { oneOf, rate, whole } from "./values.ts";
import { version } from "./version.ts";

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
    .addOption(variantOption())
    .option("--epochs <n>", "epochs to train (default: the net's own)", whole(1))
    .option("--batch <n>", "pictures in a step (default: the net's own)", whole(1))
    .option("--learning-rate <x>", "the optimizer's rate (default: the net's own)", rate)
    .option("--seed <n>", "same seed, same bits", whole(0, 2 ** 53 - 1), defaults.seed)
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
      new Option("--kind <kind>", "the step: train or evaluate")
        .argParser(oneOf(["train", "evaluate"]))
        .default("train"),
    )
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
  antler lab cifar10 --dataset cifar10
  antler lab cifar10 --data cifar-10-batches-bin --json > run.jsonl
  antler lab cifar10 --dataset embedded --limit 3200 --epochs 1`;
