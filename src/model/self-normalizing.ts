/** The check of a net that is to normalize itself: what breaks SELU's conditions. */
import { describe, StateError, ValueError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { InputLayer } from "../nn/layers/input.ts";
import { settings } from "../nn/options.ts";
import type {
  SelfNormalizing,
  SelfNormalizingProblem,
  SelfNormalizingSignal,
} from "../nn/self-normalizing.ts";
import { isDataset } from "./data.ts";
import { momentProblem, momentsOf, someRows } from "./moments.ts";
import type { Net } from "./net.ts";
import { readyInputs } from "./ready.ts";
import type { DataInput } from "./rows.ts";
import type { TopologyNode } from "./topology.ts";

/** Options of `checkSelfNormalizing`. */
export interface SelfNormalizingOptions {
  /**
   * Inputs as the model gets them: what reaches the first dense layer is checked to have mean 0 and
   * variance 1. Of more than 2,000 rows as many are taken, evenly. Default: none, then inputs count as
   * standardized where a Normalization with statistics comes first, else as unchecked.
   */
  readonly x?: DataInput;
}

/** What `checkSelfNormalizing` returns. */
export interface SelfNormalizingReport {
  /** Whether there are no problems. */
  readonly passes: boolean;
  /** What breaks self-normalization: the layer's name, what is wrong with it, what to do. */
  readonly problems: readonly (SelfNormalizingProblem & { readonly layer: string })[];
  /** What could not be known: no failure. */
  readonly unchecked: readonly string[];
  /** What might be better, and breaks nothing. */
  readonly advice: readonly string[];
}

/** What leaves a node. */
interface Output {
  readonly signal: SelfNormalizingSignal;
  /** The layer whose sums they are, where they are sums. */
  readonly source: AnyLayer | undefined;
}

/** What breaks SELU's conditions in the model; asks each layer what it does. */
export async function checkSelfNormalizing(
  net: Net,
  options: SelfNormalizingOptions = {},
): Promise<SelfNormalizingReport> {
  const who = "checkSelfNormalizing";
  const { x } = settings<SelfNormalizingOptions, { x: undefined }>(options, { x: undefined }, who);
  if (isDataset(x))
    throw new ValueError({ who, expected: "x must be arrays", received: "a Dataset" });
  const rows = x === undefined ? undefined : readyInputs(net, x, `${who} x`);
  if (!net.topology.built)
    throw new StateError({
      who,
      expected: "a model that is built",
      received: "one whose input shape is not known yet",
      fix: "Give the first layer an inputShape, call model.build(inputShape), or give inputs as x.",
    });
  const { nodes, inputs } = net.topology;
  const values = rows?.x.map(({ array }, i) => [inputs[i].name, someRows(array)] as const);
  const check = new Check(nodes, values && new Map(values));
  for (const node of nodes) await check.visit(node);
  return check.report();
}

/** One walk through a model. */
class Check {
  /** By the names of the model's inputs. */
  readonly #x: ReadonlyMap<string, HostArray> | undefined;
  readonly #outputs = new Map<TopologyNode, Output>();
  readonly #values = new Map<TopologyNode, Promise<HostArray>>();
  /** By layer and sentence: a shared layer is asked for each of its places. */
  readonly #problems = new Map<string, SelfNormalizingProblem & { layer: string }>();
  readonly #unchecked = new Set<string>();
  readonly #advice = new Set<string>();
  /** Nodes that a matrix comes after. */
  readonly #hidden: ReadonlySet<TopologyNode>;

  constructor(nodes: readonly TopologyNode[], x: ReadonlyMap<string, HostArray> | undefined) {
    this.#x = x;
    this.#hidden = hiddenNodes(nodes);
  }

  report(): SelfNormalizingReport {
    const problems = [...this.#problems.values()];
    return {
      passes: problems.length === 0,
      problems,
      unchecked: [...this.#unchecked],
      advice: [...this.#advice],
    };
  }

  /** Asks a node's layer, after those of its inputs. */
  async visit(node: TopologyNode): Promise<void> {
    const before = this.#before(node);
    const { layer } = node;
    if (hasMatrix(layer) && before.source)
      this.#add(before.source, {
        problem: `it has no activation: its sums go into ${layer.name} as they are`,
        fix: 'Give it activation: "selu", or put layers.activation({ activation: "selu" }) after it.',
      });
    if (!this.#hidden.has(node)) {
      this.#outputs.set(node, { signal: "activations", source: undefined });
      return;
    }
    if (hasMatrix(layer)) await this.#checkInputs(node, before.signal);
    const said = await saidBy(layer, before.signal);
    for (const problem of [...(said.problems ?? []), ...penaltiesOf(layer)])
      this.#add(layer, problem);
    for (const text of said.advice ?? []) this.#advice.add(`${layer.name}: ${text}`);
    const signal = said.makes ?? before.signal;
    const source = signal === "sums" ? (before.source ?? layer) : undefined;
    this.#outputs.set(node, { signal, source });
  }

  #before({ inputs }: TopologyNode): Output {
    if (inputs.length === 0) return { signal: "inputs", source: undefined };
    const [first, ...others] = inputs.map((input) => this.#outputs.get(input)!);
    // Whatever joins different signals is a problem of its own.
    const isOne = others.every(({ signal }) => signal === first.signal);
    return isOne ? first : { signal: "activations", source: undefined };
  }

  #add(layer: AnyLayer, { problem, fix }: SelfNormalizingProblem): void {
    const { name } = layer;
    this.#problems.set(`${name} ${problem}`, { layer: name, problem, fix });
  }

  /** What reaches the first layers with a matrix has mean 0 and variance 1. */
  async #checkInputs(node: TopologyNode, signal: SelfNormalizingSignal): Promise<void> {
    if (signal !== "inputs" && signal !== "standardized") return;
    if (this.#x) {
      const problem = momentProblem(momentsOf(await this.#inputOf(node)));
      if (problem) this.#add(node.layer, problem);
    } else if (signal === "inputs")
      this.#unchecked.add(
        `Whether the inputs of ${node.layer.name} have mean 0 and variance 1: ` +
          "give some as checkSelfNormalizing({ x }), or put an adapted Normalization first.",
      );
  }

  /** What goes into a node, by the layers before it, which have one input each. */
  #inputOf(node: TopologyNode): Promise<HostArray> {
    const [before] = node.inputs;
    return before ? this.#valueOf(before) : Promise.resolve(this.#given(node));
  }

  #valueOf(node: TopologyNode): Promise<HostArray> {
    const known = this.#values.get(node);
    if (known) return known;
    const made = this.#make(node);
    this.#values.set(node, made);
    return made;
  }

  async #make(node: TopologyNode): Promise<HostArray> {
    const { layer, inputs, isList } = node;
    if (inputs.length === 0) {
      const x = this.#given(node);
      return layer instanceof InputLayer ? x : layer.apply(x);
    }
    const values: HostArray[] = [];
    for (const input of inputs) values.push(await this.#valueOf(input));
    return layer.apply(isList ? values : values[0]);
  }

  /** The inputs of a node that stands first: a sequential model has only one. */
  #given({ layer }: TopologyNode): HostArray {
    const x = this.#x!;
    return x.get(layer.name) ?? [...x.values()][0];
  }
}

/** The nodes with a layer after them that has a matrix: all but the output layer and what follows it. */
function hiddenNodes(nodes: readonly TopologyNode[]): Set<TopologyNode> {
  const hidden = new Set<TopologyNode>();
  for (const node of [...nodes].reverse())
    if (hidden.has(node) || hasMatrix(node.layer))
      for (const input of node.inputs) hidden.add(input);
  return hidden;
}

const hasMatrix = (layer: AnyLayer): boolean =>
  layer.weights.some(({ trainable, shape }) => trainable && shape.length >= 2);

/** What a layer says of itself, checked: it may be a user's. */
async function saidBy(layer: AnyLayer, signal: SelfNormalizingSignal): Promise<SelfNormalizing> {
  const said: unknown = await layer.selfNormalizing(signal);
  if (typeof said === "object" && said !== null && !Array.isArray(said))
    return said as SelfNormalizing;
  throw new ValueError({
    who: layer.label,
    expected: "selfNormalizing must return an object { makes, problems, advice }",
    received: describe(said),
    fix: "An empty object says that the layer keeps mean 0 and variance 1.",
  });
}

/** Penalties and constraints, of any layer: they pull weights away from what keeps the variance. */
function penaltiesOf(layer: AnyLayer): SelfNormalizingProblem[] {
  const found: SelfNormalizingProblem[] = [];
  const fix = "Leave it out; layers.alphaDropout is the regularization that fits.";
  for (const weight of layer.weights) {
    const name = weight.path.split("/").at(-1);
    const regularizer = layer.regularizerOf(weight);
    const constraint = layer.constraintOf(weight);
    if (regularizer)
      found.push({ problem: `its ${name} is penalized by ${regularizer.name}`, fix });
    if (constraint)
      found.push({ problem: `its ${name} is held by the constraint ${constraint.name}`, fix });
  }
  const { activityRegularizer } = layer;
  if (activityRegularizer)
    found.push({ problem: `its output is penalized by ${activityRegularizer.name}`, fix });
  return found;
}
