/** What all kinds of models take. */
import { describe, ValueError } from "../base/errors.ts";
import { checkSeed } from "../base/philox.ts";
import { Net } from "../model/net.ts";
import type { Topology } from "../model/topology.ts";
import { nextSeed } from "../nn/seed.ts";
import { defaultEngine, type Engine } from "../runtime/engine.ts";

/** Options of `sequential` and `model`. */
export interface ModelOptions {
  /** Default: `sequential` or `functional`. */
  readonly name?: string;
  /**
   * A whole number in [0, 2^53): initial weights are drawn from it, and it is the default for the
   * order and noise of a fit. The same seed gives the same bits. Default: the next one after
   * `setRandomSeed`, else a random one; `model.seed` tells.
   */
  readonly seed?: number;
  /** Where it runs. Default: the process's default engine, at the first use. */
  readonly engine?: Engine;
}

/** The model below its methods, of checked options. */
export function makeNet(
  topology: Topology,
  {
    name,
    seed: givenSeed,
    engine,
  }: { name: string } & { [K in "seed" | "engine"]: ModelOptions[K] | undefined },
  who: string,
  hasListOfOutputs = false,
): Net {
  if (typeof name !== "string" || name === "")
    throw new ValueError({ who, expected: "name must be a text", received: describe(name) });
  const seed = givenSeed ?? nextSeed();
  checkSeed(seed, who);
  return new Net(topology, name, seed, engine ? () => engine : defaultEngine, hasListOfOutputs);
}
