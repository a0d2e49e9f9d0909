/** The text of Keras's config objects. */
import type { Json } from "./fields.ts";

/**
 * Keys whose numbers must be Python floats: Keras refuses a learning rate or momentum of `1`, and
 * schedules that begin with a whole number are computed in int32.
 */
const floatKeys: ReadonlySet<string> = new Set([
  "learning_rate",
  "initial_learning_rate",
  "momentum",
  "values",
]);

/**
 * A config as JSON that Keras reads: like `JSON.stringify`, but numbers that Keras wants as floats
 * have a point, `1.0`.
 */
export function configText(value: unknown, key = ""): string {
  if (Array.isArray(value)) return `[${value.map((one) => configText(one, key)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value as { readonly [key: string]: Json | undefined });
    const texts = entries.flatMap(([name, one]) =>
      one === undefined ? [] : `${JSON.stringify(name)}:${configText(one, name)}`,
    );
    return `{${texts.join(",")}}`;
  }
  const text = JSON.stringify(value) ?? "null";
  const isWhole = typeof value === "number" && /^-?\d+$/.test(text);
  return isWhole && floatKeys.has(key) ? `${text}.0` : text;
}
