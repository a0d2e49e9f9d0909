/** Numbers as Python's format language writes them: `format(0.5, ".2f")`. */
import { describe, ValueError } from "../base/errors.ts";
import { pythonFloat } from "./csv.ts";

/** What stands behind the colon of a replacement field. */
export interface FormatSpec {
  readonly fill: string;
  readonly align: "<" | ">" | "=" | "^";
  readonly sign: "+" | "-" | " ";
  readonly width: number;
  readonly grouping: "" | "," | "_";
  readonly precision: number | undefined;
  readonly type: "" | "d" | "e" | "E" | "f" | "F" | "g" | "G" | "%";
}

const known = /^(?:(.)?([<>=^]))?([+\- ])?(0)?(\d{1,3})?([,_])?(?:\.(\d{1,3}))?([deEfFgG%])?$/su;

/**
 * Reads a specification: fill and align, sign, `0`, width, `,` or `_`, precision, and one of the types
 * d, e, f, g and %.
 *
 * @param isWhole whether the number will be a whole one
 * @throws ValueError where it is none, or not one for such a number
 */
export function readFormat(text: string, isWhole: boolean, who: string): FormatSpec {
  const found = known.exec(text);
  const bad = (expected: string): ValueError =>
    new ValueError({
      who,
      expected,
      received: describe(text),
      fix: 'Examples: "02d" for a count, ".4f", ".2e" or ".1%" for a value.',
    });
  if (!found) throw bad("a format must be [fill][align][sign][0][width][,][.precision][type]");
  const [, fill, align, sign, zero, width, grouping, precision, type = ""] = found;
  if (type === "d" && !isWhole) throw bad("a format of type d is for epoch and batch only");
  if (precision !== undefined && isWhole && (type === "" || type === "d"))
    throw bad("a format of a whole number has no precision");
  return {
    fill: fill ?? (zero ? "0" : " "),
    align: (align ?? (zero ? "=" : ">")) as FormatSpec["align"],
    sign: (sign ?? "-") as FormatSpec["sign"],
    width: Number(width ?? 0),
    grouping: (grouping ?? "") as FormatSpec["grouping"],
    precision: precision === undefined ? undefined : Number(precision),
    type: type as FormatSpec["type"],
  };
}

/** The number in this form, rounded as Python does: exactly, ties to even. */
export function formatNumber(value: number, spec: FormatSpec, isWhole: boolean): string {
  const isNegative = value < 0 || Object.is(value, -0);
  const sign = isNegative ? "-" : spec.sign === "-" ? "" : spec.sign;
  const size = Math.abs(spec.type === "%" ? value * 100 : value);
  const digits = digitsOf(size, spec, isWhole);
  const room = spec.width - sign.length;
  const { fill, align } = spec;
  if (align === "=") {
    const isZeroes = fill === "0" && spec.grouping !== "" && Number.isFinite(value);
    return sign + (isZeroes ? groupedTo(digits, room, spec.grouping) : digits.padStart(room, fill));
  }
  const text = sign + grouped(digits, spec.grouping);
  const left = Math.max(spec.width - [...text].length, 0);
  const before = align === "<" ? 0 : align === ">" ? left : Math.floor(left / 2);
  return fill.repeat(before) + text + fill.repeat(left - before);
}

/** Without sign, groups and padding. */
function digitsOf(value: number, { type, precision }: FormatSpec, isWhole: boolean): string {
  if (!Number.isFinite(value)) {
    const name = (Number.isNaN(value) ? "nan" : "inf") + (type === "%" ? "%" : "");
    return type === "F" || type === "E" || type === "G" ? name.toUpperCase() : name;
  }
  const lower = type.toLowerCase();
  if (lower === "" && precision === undefined) return isWhole ? `${value}` : pythonFloat(value);
  if (lower === "d") return `${value}`;
  const text =
    lower === "f"
      ? fixed(value, precision ?? 6)
      : lower === "%"
        ? `${fixed(value, precision ?? 6)}%`
        : lower === "e"
          ? exponential(value, precision ?? 6)
          : general(value, Math.max(precision ?? 6, 1), lower === "");
  return type === lower ? text : text.toUpperCase();
}

/** `value * 10^places`, rounded to a whole number, ties to even. Exact: a double is a fraction. */
function scaled(value: number, places: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const power = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const two = BigInt(Math.max(power, 1) - 1075);
  let above = power === 0 ? fraction : fraction | 0x10000000000000n;
  let below = 1n;
  if (two >= 0n) above <<= two;
  else below <<= -two;
  if (places >= 0) above *= 10n ** BigInt(places);
  else below *= 10n ** BigInt(-places);
  const whole = above / below;
  const twice = (above % below) * 2n;
  return twice > below || (twice === below && whole % 2n === 1n) ? whole + 1n : whole;
}

function fixed(value: number, places: number): string {
  const digits = scaled(value, places)
    .toString()
    .padStart(places + 1, "0");
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The `places + 1` leading digits, and the power of ten of the first one. */
function leading(value: number, places: number): { digits: string; power: number } {
  if (value === 0) return { digits: "0".repeat(places + 1), power: 0 };
  let power = Math.floor(Math.log10(value));
  for (;;) {
    const digits = scaled(value, places - power).toString();
    if (digits.length === places + 1) return { digits, power };
    power += digits.length > places + 1 ? 1 : -1;
  }
}

function exponential(value: number, places: number): string {
  const { digits, power } = leading(value, places);
  return mantissa(digits) + exponent(power);
}

const mantissa = (digits: string): string =>
  digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;

const exponent = (power: number): string =>
  `e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;

/** @param isFloat as type none: with a point, or an exponent one digit earlier */
function general(value: number, precision: number, isFloat: boolean): string {
  const { digits, power } = leading(value, precision - 1);
  const isFixed = power >= -4 && power < precision - (isFloat ? 1 : 0);
  if (!isFixed) return mantissa(digits.replace(/(?<=.)0+$/, "")) + exponent(power);
  const text = fixed(value, Math.max(precision - 1 - power, 0));
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return isFloat && !short.includes(".") ? `${short}.0` : short;
}

/** The whole part in groups of three. */
function grouped(text: string, separator: string): string {
  if (separator === "") return text;
  const [, whole, rest] = /^(\d*)(.*)$/s.exec(text)!;
  return whole.replace(/\B(?=(\d{3})+$)/g, separator) + rest;
}

/** In groups, filled up with zeros that are grouped, too. */
function groupedTo(text: string, width: number, separator: string): string {
  let zeros = 0;
  let all = grouped(text, separator);
  while (all.length < width) all = grouped("0".repeat(++zeros) + text, separator);
  return all;
}
