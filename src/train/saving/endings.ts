/** What a file's name and its first bytes tell. */
import { DataError, describe, ValueError } from "../../base/errors.ts";

/** Forms of a whole model. */
export type ModelFormat = "keras" | "h5";
/** Forms of weights alone. */
export type WeightsFormat = "weights.h5" | "safetensors";

const modelEndings = [".keras", ".h5", ".hdf5"] as const;
const weightsEndings = [".weights.h5", ".safetensors"] as const;

const listed = (endings: readonly string[]): string => endings.join(", ");

/** The form that the name of a model's file asks for. Throws a ValueError for an unknown ending. */
export function modelFormat(path: unknown, who: string): ModelFormat {
  const found = endingOf(path, modelEndings, who);
  const isWeights = weightsEndings.some((ending) => `${path}`.endsWith(ending));
  if (!found || isWeights)
    throw new ValueError({
      who: `${who} ${path}`,
      expected: `a path that ends in ${listed(modelEndings)}`,
      received: isWeights ? "the ending of a file for weights alone" : "another ending",
      fix: isWeights
        ? "Use model.saveWeights for weights alone."
        : `Example: model.save("model.keras"); for weights alone model.saveWeights("model.weights.h5").`,
    });
  return found === ".keras" ? "keras" : "h5";
}

/** The form that the name of a file for weights asks for. Throws a ValueError for an unknown ending. */
export function weightsFormat(path: unknown, who: string): WeightsFormat {
  const found = endingOf(path, weightsEndings, who);
  if (!found)
    throw new ValueError({
      who: `${who} ${path}`,
      expected: `a path that ends in ${listed(weightsEndings)}`,
      received: "another ending",
      fix: `Example: model.saveWeights("model.weights.h5"); for the whole model model.save("model.keras").`,
    });
  return found.slice(1) as WeightsFormat;
}

function endingOf<E extends string>(path: unknown, endings: readonly E[], who: string) {
  if (typeof path !== "string" || path === "")
    throw new ValueError({ who, expected: "a path", received: describe(path) });
  return endings.find((ending) => path.endsWith(ending));
}

/** What a file is, by its first bytes and not by its name. */
export type Content = "zip" | "hdf5" | "safetensors";

const starts = (bytes: Uint8Array, signature: readonly number[], from = 0): boolean =>
  signature.every((byte, i) => bytes[from + i] === byte);

/** Throws a DataError for what is none of these. */
export function contentOf(bytes: Uint8Array, who: string): Content {
  if (starts(bytes, [0x50, 0x4b])) return "zip";
  if (starts(bytes, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])) return "hdf5";
  // The length of a header of JSON, in eight bytes.
  if (starts(bytes, [0x7b], 8)) return "safetensors";
  throw new DataError({
    who,
    expected: "must be a .keras, .h5 or .safetensors file",
    received: bytes.length === 0 ? "0 bytes" : `${bytes.length} bytes of something else`,
    fix: "A file that was cut off or changed cannot be read: save it again.",
  });
}
