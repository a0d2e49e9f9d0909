import { describe, nearest } from "./describe.ts";

export { describe, nearest };

/** The parts of an error's message. */
export interface ErrorParts {
  /** What complains, with its path: `AlphaDropout "alpha_dropout_1"`, `fit`, `data_batch_3.bin`. */
  readonly who: string;
  /** What should have come, as a phrase: `rate must be in [0, 1)`. */
  readonly expected: string;
  /** What came instead: `1.5`. Use `describe` for a value of unknown type. */
  readonly received: string;
  /** How to repair it, as a sentence: `Example: layers.alphaDropout({ rate: 0.1 })`. */
  readonly fix?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The base of all errors that Antler throws. Its message is `WHO: EXPECTED, got RECEIVED. FIX`;
 * the parts are fields, so a program can react to them. `name` is the class's name.
 *
 * @example
 * const parts = { who: "fit", expected: "epochs must be a whole number >= 1", received: "0" };
 * new ValueError(parts).message; // "fit: epochs must be a whole number >= 1, got 0."
 */
export class AntlerError extends Error {
  // On the prototype, so that the stack's first line has it too; a literal, because minifiers
  // rename classes.
  static {
    AntlerError.prototype.name = "AntlerError";
  }

  readonly who: string;
  readonly expected: string;
  readonly received: string;
  readonly fix: string | undefined;

  constructor(parts: ErrorParts) {
    const { who, expected, received, fix } = parts;
    const message = `${who}: ${expected}, got ${received}.${fix === undefined ? "" : ` ${fix}`}`;
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.who = who;
    this.expected = expected;
    this.received = received;
    this.fix = fix;
  }
}

/** A shape or rank does not fit. */
export class ShapeError extends AntlerError {
  static {
    ShapeError.prototype.name = "ShapeError";
  }
}

/** A value is of the wrong type or outside its range. */
export class ValueError extends AntlerError {
  static {
    ValueError.prototype.name = "ValueError";
  }
}

/** The parts of a `NameError`: as for every error, and the names that would have been right. */
export interface NameErrorParts extends ErrorParts {
  /**
   * Names that are known. With them and without `fix`, the message ends with the nearest one, or
   * with all of them.
   */
  readonly known?: readonly string[] | undefined;
}

/**
 * A name is not known. `received` is the name, quoted or not; when `known` is given, the message
 * ends with `Did you mean "elu"?`, or, if nothing is near, with the list of known names.
 */
export class NameError extends AntlerError {
  static {
    NameError.prototype.name = "NameError";
  }

  /** The known name that is nearest to the one received, if any is near. */
  readonly suggestion: string | undefined;

  constructor(parts: NameErrorParts) {
    const known = parts.known ?? [];
    const suggestion = nearest(parts.received.replace(/^"|"$/g, ""), known);
    super({ ...parts, fix: parts.fix ?? nameFix(suggestion, known) });
    this.suggestion = suggestion;
  }
}

function nameFix(suggestion: string | undefined, known: readonly string[]): string | undefined {
  if (suggestion !== undefined) return `Did you mean "${suggestion}"?`;
  return known.length === 0 ? undefined : `Known names: ${known.join(", ")}.`;
}

/** Something was called at the wrong time: before compile, during a fit, after close. */
export class StateError extends AntlerError {
  static {
    StateError.prototype.name = "StateError";
  }
}

/** Data is bad: a NaN, a label outside the classes, a file that is missing or broken. */
export class DataError extends AntlerError {
  static {
    DataError.prototype.name = "DataError";
  }
}

/** More memory is needed than there is or may be used. */
export class MemoryError extends AntlerError {
  static {
    MemoryError.prototype.name = "MemoryError";
  }
}

/** A device failed: a trap, a dead worker, a missing feature. */
export class DeviceError extends AntlerError {
  static {
    DeviceError.prototype.name = "DeviceError";
  }
}
