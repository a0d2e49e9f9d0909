/**
 * A small decoder of WebAssembly modules: as much as a test needs to say what stands in the code. It
 * knows the encoding from the specification and nothing of the emitter.
 */

export interface Instruction {
  /** First byte, and the number after it for the prefixes 0xfc, 0xfd and 0xfe. */
  readonly opcode: number;
  readonly sub: number | undefined;
  /** The index of a call or branch, or a constant. */
  readonly immediate: number | undefined;
  /** How many loops it stands in. */
  readonly loops: number;
}

export interface DecodedFunction {
  readonly bytes: number;
  readonly locals: number;
  readonly code: readonly Instruction[];
}

export interface DecodedModule {
  /** Name -> index of a function. */
  readonly exports: ReadonlyMap<string, number>;
  readonly functions: readonly DecodedFunction[];
}

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    if (this.at >= this.#bytes.length) throw new RangeError("the module ends too early");
    return this.#bytes[this.at++];
  }

  skip(count: number): void {
    this.at += count;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      return byte & 0x40 ? value - scale * 128 : value;
    }
  }

  text(): string {
    const length = this.unsigned();
    const text = new TextDecoder().decode(this.#bytes.subarray(this.at, this.at + length));
    this.skip(length);
    return text;
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.unsigned() }, item);
  }
}

export function decode(bytes: Uint8Array): DecodedModule {
  const reader = new Reader(bytes, 8);
  const exports = new Map<string, number>();
  let functions: DecodedFunction[] = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (id === 7)
      reader.list(() => {
        const name = reader.text();
        const kind = reader.byte();
        const index = reader.unsigned();
        if (kind === 0) exports.set(name, index);
      });
    if (id === 10) functions = reader.list(() => decodeFunction(reader));
    if (id === 7 || id === 10) {
      if (reader.at !== end) throw new RangeError(`section ${id} has another length than it says`);
    }
    reader.at = end;
  }
  return { exports, functions };
}

function decodeFunction(reader: Reader): DecodedFunction {
  const bytes = reader.unsigned();
  const end = reader.at + bytes;
  const groups = reader.list(() => {
    const count = reader.unsigned();
    reader.byte();
    return count;
  });
  const code: Instruction[] = [];
  const blocks: boolean[] = [];
  while (reader.at < end) {
    const opcode = reader.byte();
    const prefixed = opcode >= 0xfc;
    const sub = prefixed ? reader.unsigned() : undefined;
    // block, loop, if: an empty type is all that is used.
    if (opcode === 0x02 || opcode === 0x03 || opcode === 0x04) {
      reader.skip(1);
      blocks.push(opcode === 0x03);
    }
    const immediate = immediateOf(reader, opcode, sub);
    code.push({ opcode, sub, immediate, loops: blocks.filter((isLoop) => isLoop).length });
    if (opcode === 0x0b) blocks.pop();
  }
  if (reader.at !== end) throw new RangeError("a function has another length than it says");
  return { bytes, locals: groups.reduce((sum, count) => sum + count, 0), code };
}

/** Reads what follows an opcode. */
function immediateOf(reader: Reader, opcode: number, sub: number | undefined): number | undefined {
  const memory = () => {
    reader.unsigned();
    reader.unsigned();
  };
  if (opcode === 0xfd) return vectorImmediate(reader, sub!, memory);
  if (opcode === 0xfe) {
    if (sub === 0x03) reader.skip(1);
    else memory();
    return undefined;
  }
  // br, br_if, call, local.get, local.set, local.tee, global.get, global.set
  const withIndex = [0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24];
  if (withIndex.includes(opcode)) return reader.unsigned();
  if (opcode === 0x41 || opcode === 0x42) return reader.signed();
  if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode >= 0x28 && opcode <= 0x3e) memory();
  else if (opcode === 0x3f || opcode === 0x40) reader.skip(1);
  else if (opcode === 0xfc)
    throw new RangeError("bulk memory and saturating casts are unknown here");
  return undefined;
}

function vectorImmediate(reader: Reader, sub: number, memory: () => void): undefined {
  if (sub <= 0x0b || sub === 0x5c || sub === 0x5d) memory();
  else if (sub === 0x0c || sub === 0x0d) reader.skip(16);
  else if (sub >= 0x15 && sub <= 0x22) reader.skip(1);
  else if (sub >= 0x54 && sub <= 0x5b) {
    memory();
    reader.skip(1);
  }
}

/** Scalar floating-point loads, stores, constants, comparisons, arithmetic and conversions. */
export const isScalarFloat = ({ opcode }: Instruction): boolean =>
  [0x2a, 0x2b, 0x38, 0x39, 0x43, 0x44].includes(opcode) ||
  (opcode >= 0x5b && opcode <= 0x66) ||
  (opcode >= 0x8b && opcode <= 0xa6) ||
  (opcode >= 0xa8 && opcode <= 0xab) ||
  (opcode >= 0xae && opcode <= 0xbf);

export const isCall = ({ opcode }: Instruction): boolean => opcode === 0x10 || opcode === 0x11;
