/**
 * Parts and layers as Keras's config objects, `{ class_name, config }`, and back. Files, records and
 * tests all go through this one door. The map between camelCase and snake_case is here.
 */
import { describe, NameError, ValueError } from "../base/errors.ts";
import type { CustomObjects, Field, Fields, Json } from "./fields.ts";
import { type Kind, nameIn, type Part, resolve } from "./registry.ts";

/** A part in Keras's form. */
export interface Serialized {
  readonly module?: string | null;
  readonly class_name: string;
  readonly config: { readonly [key: string]: Json } | string;
  readonly registered_name?: string | null;
}

/** What Keras calls nothing: a custom class has its package in its registered name. */
const ownPackage = "antler";

/** `kernelInitializer` -> `kernel_initializer`. */
export const toSnakeKey = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `kernel_initializer` -> `kernelInitializer`, `beta_1` -> `beta1`. */
export const toCamelKey = (key: string): string =>
  key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** `heNormal` -> `HeNormal`. */
export const toPascalCase = (name: string): string => name[0].toUpperCase() + name.slice(1);

/** The key of an option in Keras's config, or null where it has none. */
const keyOf = (name: string, field: Field): string | null =>
  field.key === undefined ? toSnakeKey(name) : field.key;

/** Options in full as the config that Keras would write. */
export function toConfig(
  fields: Fields,
  values: Readonly<Record<string, unknown>>,
): Record<string, Json> {
  const config: Record<string, Json> = {};
  for (const [name, field] of Object.entries(fields)) {
    const key = keyOf(name, field);
    const value = values[name];
    if (key === null) continue;
    const written = field.write ? field.write(value) : ((value ?? null) as Json | undefined);
    // A field may have nothing to write where its value is what Keras does without the key.
    if (written !== undefined) config[key] = written;
  }
  return config;
}

/**
 * Options of a config, as a user would write them.
 *
 * @param ignored keys that have no option and change nothing
 * @throws NameError where a key is neither an option nor ignored
 */
export function fromConfig(
  fields: Fields,
  config: Readonly<Record<string, unknown>>,
  custom: CustomObjects,
  who: string,
  ignored: readonly string[] = [],
): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, field] of Object.entries(fields)) {
    const key = keyOf(name, field);
    for (const old of field.oldKeys ?? []) names.set(old, name);
    if (key !== null) names.set(key, name);
  }
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const name = names.get(key);
    if (name === undefined) {
      // Keras writes what is off as null, also for options that a class does not have.
      if (value === null || ignored.includes(key)) continue;
      throw new NameError({
        who,
        expected: "keys of its config must be known",
        received: describe(key),
        known: [...names.keys()],
      });
    }
    const field = fields[name] as Field;
    const parsed = field.parse ? field.parse(value as Json, custom) : value;
    if (parsed !== null && parsed !== undefined) options[name] = parsed;
  }
  return options;
}

/** The name of a class in Keras's files for a part of this name. */
export const classNameOf = <T extends Part>(of: Kind<T>, name: string): string =>
  of.classNames?.[name] ?? toPascalCase(name);

/**
 * A part as Keras's config object; a text where Keras writes functions by name.
 *
 * @throws ValueError for a user's function or part that was not registered
 */
export function serializePart<T extends Part>(of: Kind<T>, part: T): Serialized | string {
  const registered = registeredNameOf(part) ?? registeredNameOf(part.source);
  if (registered !== undefined)
    return {
      module: null,
      class_name: registered.split(">").at(-1)!,
      config: {},
      registered_name: registered,
    };
  const factory = Object.hasOwn(of.entries, part.name) ? of.entries[part.name] : undefined;
  if (!factory || !part.options)
    throw new ValueError({
      who: `serialize ${of.kind}`,
      expected: "a part of the library, or one that is registered",
      received: part.name,
      fix: `Register it first: registerSerializable(${of.kind}, { name: "..." }).`,
    });
  const config = toConfig(factory.fields, part.options);
  if (!of.areFunctions) {
    const className = classNameOf(of, part.name);
    const isOwn = of.ownEntries?.includes(part.name);
    return {
      module: isOwn ? ownPackage : of.module,
      class_name: className,
      config,
      registered_name: isOwn ? `${ownPackage}>${className}` : null,
    };
  }
  const name = toSnakeKey(part.name);
  if (JSON.stringify(config) === JSON.stringify(defaultConfig(factory.fields))) return name;
  // Keras has no options for functions: a name of our own, which its reader refuses.
  return {
    module: ownPackage,
    class_name: name,
    config,
    registered_name: `${ownPackage}>${name}`,
  };
}

/** The config of a part that is made without options; what has no default is left out. */
function defaultConfig(fields: Fields): Record<string, Json> {
  const values = Object.entries(fields).map(([name, { initial }]) => [name, initial] as const);
  const known = values.filter(([name, initial]) => initial !== undefined || isOff(fields[name]!));
  return toConfig(
    Object.fromEntries(known.map(([name]) => [name, fields[name]!])),
    Object.fromEntries(values),
  );
}

/** Whether an absent value is a value of this field. */
function isOff(field: Field): boolean {
  try {
    return field.read(undefined, "", "") === undefined;
  } catch {
    return false;
  }
}

/**
 * The part that a config object or a name stands for: Keras 3's and tf_keras's spellings.
 *
 * @param custom what unknown names mean: `{ MyLoss: myLoss }`
 * @throws NameError for an unknown class: it names it, and says what to register
 */
export function deserializePart<T extends Part>(
  of: Kind<T>,
  value: unknown,
  custom: CustomObjects = {},
): T {
  const { name: text, config } = namedConfig(value, `deserialize ${of.kind}`);
  const own = custom[text] ?? customNamed(text, value);
  if (own !== undefined) return resolve<T>(own, of, `customObjects "${text}"`);
  const name = nameOfClass(of, text);
  if (name === undefined)
    throw new NameError({
      who: `deserialize ${of.kind}`,
      expected: `class_name must be ${article(of.kind)} ${of.kind} of the library or a registered one`,
      received: describe(text),
      known: Object.keys(of.entries).map((known) => classNameOf(of, known)),
      fix: `Pass customObjects: { "${text}": ... } or call registerSerializable(...) first.`,
    });
  const factory = of.entries[name];
  const adapted = of.adaptConfig ? of.adaptConfig(name, config) : config;
  const who = `${of.kind} ${name} config`;
  const options = fromConfig(factory.fields, adapted, custom, who, of.ignoredKeys);
  return (factory as unknown as (options: object) => T)(options);
}

const article = (kind: string): string => (/^[aeiou]/.test(kind) ? "an" : "a");

/** Name and config of what a file has: an object, or a name alone. */
export function namedConfig(
  value: unknown,
  who: string,
): { name: string; config: Readonly<Record<string, unknown>> } {
  if (typeof value === "string") return { name: value, config: {} };
  const object = value as Partial<Serialized> | null | undefined;
  if (typeof object !== "object" || object === null || typeof object.class_name !== "string")
    throw new ValueError({
      who,
      expected: "a name, or an object { class_name, config }",
      received: describe(value),
    });
  // Keras writes a function as { class_name: "function", config: name }.
  if (typeof object.config === "string") return { name: object.config, config: {} };
  return { name: object.class_name, config: object.config ?? {} };
}

/** The entry of a class name, in any of the spellings: `HeNormal`, `he_normal`, `heNormal`. */
function nameOfClass<T extends Part>(of: Kind<T>, text: string): string | undefined {
  const exact = Object.keys(of.entries).find((name) => classNameOf(of, name) === text);
  return exact ?? nameIn(of, text) ?? nameIn(of, toCamelKey(text));
}

// ------------------------------------------------------------------------------- registration

const registeredByName = new Map<string, unknown>();
const namesOfRegistered = new Map<unknown, string>();

/** Options of `registerSerializable`. */
export interface RegisterOptions {
  /** Default: `Custom`. */
  readonly package?: string;
  /** Default: the class's or function's own name. */
  readonly name?: string;
}

/**
 * Makes a user's layer class, function or part known to files and configs, as Keras's
 * `register_keras_serializable` does: written as `package>name`, read back by it. Returns it.
 *
 * @throws ValueError where it has no name, or another one is registered under it
 * @example registerSerializable(MyLayer, { package: "my_package" })
 */
export function registerSerializable<T extends object>(thing: T, options: RegisterOptions = {}): T {
  const { package: group = "Custom", name = (thing as { name?: string }).name } = options;
  if (typeof name !== "string" || name === "")
    throw new ValueError({
      who: "registerSerializable",
      expected: "a class, function or part with a name",
      received: describe(thing),
      fix: 'Give one: registerSerializable(thing, { name: "..." }).',
    });
  const full = `${group}>${name}`;
  const known = registeredByName.get(full);
  if (known !== undefined && known !== thing)
    throw new ValueError({
      who: "registerSerializable",
      expected: "each name once",
      received: `another thing under "${full}"`,
    });
  registeredByName.set(full, thing);
  namesOfRegistered.set(thing, full);
  return thing;
}

/** `package>name` of what was registered. */
export const registeredNameOf = (thing: unknown): string | undefined =>
  namesOfRegistered.get(thing);

/** What was registered under the name that a file has. */
export function customNamed(name: string, value: unknown): unknown {
  const full =
    typeof value === "object" && value !== null
      ? (value as Partial<Serialized>).registered_name
      : undefined;
  if (typeof full === "string" && registeredByName.has(full)) return registeredByName.get(full);
  for (const [key, thing] of registeredByName) if (key.split(">").at(-1) === name) return thing;
  return undefined;
}

/** A field that holds a part: taken by name, as a thing or a function; a config object in files. */
export const partField = <T extends Part>(of: Kind<T>, initial?: unknown): Field<T> => ({
  initial,
  read: (value, _, who) => resolve(value, of, who),
  write: (part) => serializePart(of, part) as Json,
  parse: (value, custom) => deserializePart(of, value, custom),
});
