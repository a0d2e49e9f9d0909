/** The rules of the house: which folder may import which, checked on a map of file -> text. */
import { posix } from "node:path";
import { parseAst } from "vitest/node";

/** Floors from the lowest up; folders on one floor do not know each other. */
const floors = [
  ["base"],
  ["host"],
  ["ir"],
  ["tensor"],
  ["compile"],
  ["runtime"],
  ["nn"],
  ["model"],
  ["data", "logs", "formats"],
  ["train"],
  ["api"],
  ["lab"],
  ["cli"],
] as const;
type Folder = (typeof floors)[number][number];
const folders: readonly Folder[] = floors.flat();

/** All folders on the floors below. */
const below = (folder: Folder): Folder[] =>
  floors
    .slice(
      0,
      floors.findIndex((names) => names.some((name) => name === folder)),
    )
    .flat();

/** What a folder may import, besides itself. The library's entry may import all but the commands. */
const allowed: Record<Folder | "index.ts", readonly Folder[]> = {
  base: [],
  host: ["base"],
  ir: ["base"],
  tensor: ["base", "ir"],
  compile: ["base", "ir"],
  runtime: ["base", "host", "ir", "tensor", "compile"],
  nn: ["base", "ir", "tensor"],
  model: below("model"),
  data: ["base", "host"],
  logs: ["base", "host"],
  formats: ["base", "host"],
  train: below("train"),
  api: below("api"),
  lab: below("lab"),
  cli: below("cli"),
  "index.ts": below("cli"),
};

/** Packages that a folder may use. */
const packages: Partial<Record<Folder, readonly string[]>> = {
  cli: ["commander"],
  formats: ["h5wasm", "@zip.js/zip.js"],
  logs: ["@bufbuild/protobuf/wire"],
};

/** Words that the floors of the engine must not know: they name parts of nets, or the exercise. */
const foreignWords = new Set(
  (
    "dense flatten dropout conv convolution embedding batchnorm layer layers elu selu relu gelu " +
    "swish softplus softmax sigmoid activation activations optimizer optimizers sgd nadam adam " +
    "adamw rmsprop adagrad adadelta nesterov momentum crossentropy entropy logits accuracy " +
    "epoch epochs glorot lecun henormal cifar cifar10 mnist"
  ).split(" "),
);
/** Sizes of the exercise that are nobody else's: inputs of a picture, parameters of the net. */
const foreignNumbers = new Set([3072, 500210, 45000, 307200]);
const engineFolders: readonly string[] = ["ir", "compile", "runtime"];

/** Text of each file, by its path from the repository's root: `src/ir/ops.ts`. */
export type Files = ReadonlyMap<string, string>;

/** A node of a syntax tree, or any of its values. */
type Tree = { readonly type?: unknown; readonly [key: string]: unknown };

interface Parsed {
  readonly path: string;
  readonly tree: Tree;
}

/** Every breach of the rules, as a line for people. Tests and what they share are left alone. */
export function breaches(files: Files): string[] {
  const parsed = [...files]
    .filter(([path]) => !/\.(test|case)\.ts$/.test(path))
    .map(([path, text]): Parsed => ({ path, tree: parseAst(text, { lang: "ts" }) as never }));
  const imports = new Map(parsed.map((file) => [file.path, importsOf(file.tree)]));
  const found: string[] = [];
  for (const file of parsed) {
    found.push(...placeBreaches(file.path));
    for (const specifier of imports.get(file.path)!)
      found.push(
        ...importBreaches(file.path, specifier, files).map((text) => `${file.path} ${text}`),
      );
    if (engineFolders.includes(folderOf(file.path))) found.push(...wordBreaches(file));
    if (file.path === "src/index.ts") found.push(...entryBreaches(file));
  }
  return [...found, ...cycles(imports)];
}

function placeBreaches(path: string): string[] {
  if (path === "src/index.ts" || folders.some((name) => name === folderOf(path))) return [];
  return [`${path} is in no folder of the house`];
}

function importBreaches(path: string, specifier: string | undefined, files: Files): string[] {
  const from = folderOf(path);
  if (specifier === undefined) return ["imports what its text does not tell"];
  if (specifier === "#host") return allows(from, "host") ? [] : ["imports #host"];
  if (specifier.startsWith("node:"))
    return from === "host" ? [] : [`imports ${specifier}: only src/host/ may`];
  if (!specifier.startsWith(".")) {
    const mayUse = packages[from as Folder]?.includes(specifier) ?? false;
    return mayUse ? [] : [`imports the package ${specifier}`];
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (!files.has(target)) return [`imports ${target}, which is not there`];
  const to = folderOf(target);
  if (to === from) return [];
  if (to === "host") return [`imports ${target}: the host is imported as #host`];
  return allows(from, to) ? [] : [`imports ${target}: ${from}/ may not import ${to}/`];
}

function allows(from: string, to: string): boolean {
  const list: readonly string[] | undefined = allowed[from as keyof typeof allowed];
  return list?.includes(to) ?? false;
}

/** `ir` of `src/ir/ops.ts`; `index.ts` of `src/index.ts`. */
const folderOf = (path: string): string => path.split("/")[1];

/** Everything that a file imports, types included; undefined: a specifier that is computed. */
function importsOf(tree: Tree): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  walk(tree, (node) => {
    if (typeof node.type !== "string" || !/Import|^Export/.test(node.type)) return;
    // `import x from`, `export x from`, `import(x)`, `import("x").Type`.
    const source = node.source as Tree | null | undefined;
    if (source === undefined || source === null) return;
    found.push(typeof source.value === "string" ? source.value : undefined);
  });
  return found;
}

/** Names and strings with a foreign word, and foreign numbers. Comments may say what they like. */
function wordBreaches({ path, tree }: Parsed): string[] {
  const found = new Set<string>();
  walk(tree, ({ type, name, value, raw }) => {
    const texts = [type === "Identifier" && name, type === "PrivateIdentifier" && name];
    if (type === "Literal") texts.push(value as string);
    if (type === "TemplateElement") texts.push((value as { cooked: string }).cooked);
    for (const text of texts)
      if (typeof text === "string")
        for (const word of wordsOf(text)) if (foreignWords.has(word)) found.add(`"${word}"`);
    if (type === "Literal" && typeof value === "number" && foreignNumbers.has(value))
      found.add(String(raw));
  });
  return [...found].map((word) => `${path} knows ${word}`);
}

/** `reluGradient, he_normal` -> relu, gradient, relugradient, he, normal, henormal. */
function wordsOf(text: string): string[] {
  return text
    .split(/[^A-Za-z0-9_$]+/)
    .flatMap((name) => [
      name.replace(/[_$]/g, "").toLowerCase(),
      ...name.split(/[_$]+|(?<=[a-z0-9])(?=[A-Z])/).map((word) => word.toLowerCase()),
    ]);
}

function entryBreaches({ path, tree }: Parsed): string[] {
  const body = tree.body as Tree[];
  const isReexport = (node: Tree) =>
    (node.type === "ExportNamedDeclaration" || node.type === "ExportAllDeclaration") && node.source;
  return body.every(isReexport) ? [] : [`${path} does more than to re-export`];
}

/** Files that import each other in a circle, one line for each circle found. */
function cycles(imports: ReadonlyMap<string, readonly (string | undefined)[]>): string[] {
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      found.push(`a cycle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`);
      return;
    }
    state.set(file, "open");
    path.push(file);
    for (const specifier of imports.get(file) ?? [])
      if (specifier?.startsWith(".")) visit(posix.join(posix.dirname(file), specifier));
    path.pop();
    state.set(file, "done");
  };
  for (const file of imports.keys()) visit(file);
  return found;
}

function walk(value: unknown, visit: (node: Tree) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  visit(value as Tree);
  for (const key in value) walk((value as Tree)[key], visit);
}
