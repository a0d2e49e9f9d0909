/** Golden values of TensorFlow's and Keras's event files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** NaN and infinities are texts. */
export type Num = number | string;
export type Nested = Num | readonly Nested[];

/** Step, tag, plugin, value; no value of texts, pictures and times. */
export type Row = readonly [step: number, tag: string, plugin: string, value: Nested | null];

/** A hook that Keras called, with the optimizer's rate and count of steps. */
export interface Call {
  readonly hook: string;
  readonly number: number | null;
  readonly rate: number;
  readonly done: number;
  readonly logs?: Readonly<Record<string, Num>>;
  readonly weights?: readonly Nested[];
}

export interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly options: Readonly<Record<string, never>>;
    readonly fits: readonly (readonly Call[])[];
    /** Of each run the files, one of each fit that wrote one. */
    readonly runs: Readonly<Record<string, readonly (readonly Row[])[]>>;
  }[];
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: readonly Num[] | Num;
    readonly histogram: Nested;
    readonly image?: {
      readonly width: string;
      readonly height: string;
      readonly channels: number;
      readonly pixels: readonly (readonly number[])[];
    };
  }[];
  readonly file: { readonly name: string; readonly bytes: string };
}

const path = join(import.meta.dirname, "../../../tools/golden/tensorboard.json");
export const golden: Golden = JSON.parse(readFileSync(path, "utf8"));

/** A small file that TensorFlow wrote. */
export const tensorflowFile = new Uint8Array(Buffer.from(golden.file.bytes, "base64"));

/** All numbers in order. */
export const flat = (value: Nested): number[] =>
  typeof value === "object" ? value.flatMap(flat) : [Number(value)];

/** The same as float32, which is written shortened. */
export const floats = (value: Nested): Float32Array => Float32Array.from(flat(value));
