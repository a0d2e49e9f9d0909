/**
 * A small typed assembler: functions are written instruction by instruction, and every instruction is
 * checked against the stack it finds, so a mistake shows where it was made and not as an invalid
 * module.
 */
import { GraphError } from "../../ir/node.ts";
import {
  type Instruction,
  type InstructionName,
  instructions,
  type ValueType,
} from "./instructions.ts";

/** A local variable of a function. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

const typeCodes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** The code of one function under construction. */
export class Code {
  bytes: number[] = [];
  readonly #head: number[] = [];
  readonly parameters: readonly Local[];
  readonly result: ValueType | undefined;
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, Local[]>();
  #stack: ValueType[] = [];
  #depth = 0;

  constructor(parameters: readonly ValueType[], result?: ValueType) {
    this.parameters = parameters.map((type, index) => ({ index, type }));
    this.result = result;
  }

  get localTypes(): readonly ValueType[] {
    return this.#locals;
  }

  // -- locals ----------------------------------------------------------------------------------

  /** A new local, zero at the start of the function; one that was released may come again. */
  local(type: ValueType): Local {
    const free = this.#free.get(type)?.pop();
    if (free) return free;
    return this.fresh(type);
  }

  /** Gives a local back for reuse: its value is not needed any more. */
  release(...locals: readonly Local[]): void {
    for (const local of locals) {
      const list = this.#free.get(local.type) ?? [];
      this.#free.set(local.type, list);
      list.push(local);
    }
  }

  /** A new local that no other use shares: for what `head` sets. */
  fresh(type: ValueType): Local {
    this.#locals.push(type);
    return { index: this.parameters.length + this.#locals.length - 1, type };
  }

  /** What `body` writes runs once, before everything else in the function. */
  head(body: () => void): void {
    const { bytes } = this;
    const stack = this.#stack;
    this.bytes = this.#head;
    this.#stack = [];
    body();
    this.#expectEmpty("end of the head");
    this.bytes = bytes;
    this.#stack = stack;
  }

  get(local: Local): this {
    this.bytes.push(0x20, ...unsigned(local.index));
    this.#push(local.type);
    return this;
  }

  set(local: Local): this {
    this.#pop(local.type, "local.set");
    this.bytes.push(0x21, ...unsigned(local.index));
    return this;
  }

  tee(local: Local): this {
    this.#pop(local.type, "local.tee");
    this.bytes.push(0x22, ...unsigned(local.index));
    this.#push(local.type);
    return this;
  }

  // -- constants -------------------------------------------------------------------------------

  i32(value: number): this {
    this.bytes.push(0x41, ...signed(value | 0));
    this.#push("i32");
    return this;
  }

  /** A vector of four equal 32-bit words. */
  splat(word: number): this {
    const lane = [word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24];
    return this.vector([...lane, ...lane, ...lane, ...lane]);
  }

  vector(sixteen: readonly number[]): this {
    this.bytes.push(0xfd, 0x0c, ...sixteen);
    this.#push("v128");
    return this;
  }

  // -- instructions ----------------------------------------------------------------------------

  /** Any instruction of the table; memory instructions take a constant offset, some a lane. */
  do(name: InstructionName, offset = 0, lane?: number): this {
    const instruction: Instruction = instructions[name];
    for (let k = instruction.takes.length - 1; k >= 0; k--) this.#pop(instruction.takes[k]!, name);
    this.bytes.push(...instruction.code);
    if (instruction.align !== undefined)
      this.bytes.push(...unsigned(instruction.align), ...unsigned(offset));
    if (instruction.lane) this.bytes.push(lane ?? 0);
    if (instruction.gives) this.#push(instruction.gives);
    return this;
  }

  /** Lanes of two vectors: 16 byte numbers, 0 to 31. */
  shuffle(lanes: readonly number[]): this {
    this.#pop("v128", "i8x16.shuffle");
    this.#pop("v128", "i8x16.shuffle");
    this.bytes.push(0xfd, 0x0d, ...lanes);
    this.#push("v128");
    return this;
  }

  /** `memory.atomic.wait32` without a time limit: address and expected word from the stack. */
  wait(): this {
    this.#pop("i32", "wait");
    this.#pop("i32", "wait");
    // i64.const -1: no limit.
    this.bytes.push(0x42, 0x7f, 0xfe, 0x01, 0x02, 0x00);
    this.#push("i32");
    return this;
  }

  call(index: number, parameters: readonly ValueType[], result?: ValueType): this {
    for (let k = parameters.length - 1; k >= 0; k--) this.#pop(parameters[k]!, "call");
    this.bytes.push(0x10, ...unsigned(index));
    if (result) this.#push(result);
    return this;
  }

  drop(): this {
    if (this.#stack.pop() === undefined) this.#fail("drop", "a value", "an empty stack");
    this.bytes.push(0x1a);
    return this;
  }

  // -- control ---------------------------------------------------------------------------------

  /** `body` repeats for as long as it leaves a non-zero i32: a do-while loop. */
  repeatWhile(body: () => void): this {
    this.#open(0x03, () => {
      body();
      this.#pop("i32", "loop condition");
      this.bytes.push(0x0d, 0x00);
    });
    return this;
  }

  /** `body` runs if the i32 on the stack is not zero. */
  when(body: () => void, otherwise?: () => void): this {
    this.#pop("i32", "if");
    this.#open(0x04, () => {
      body();
      if (!otherwise) return;
      this.#expectEmpty("else");
      this.bytes.push(0x05);
      otherwise();
    });
    return this;
  }

  #open(code: number, body: () => void): void {
    const outside = this.#stack;
    this.#stack = [];
    this.#depth++;
    this.bytes.push(code, 0x40);
    body();
    this.#expectEmpty("end of a block");
    this.bytes.push(0x0b);
    this.#depth--;
    this.#stack = outside;
  }

  /** The function's body as it stands in the module. */
  finish(): number[] {
    if (this.result) this.#pop(this.result, "return");
    this.#expectEmpty("end of the function");
    if (this.#depth !== 0) this.#fail("end", "all blocks closed", `${this.#depth} open`);
    const groups: number[] = [];
    let count = 0;
    for (let k = 0; k < this.#locals.length; ) {
      let run = k;
      while (run < this.#locals.length && this.#locals[run] === this.#locals[k]) run++;
      groups.push(...unsigned(run - k), typeCodes[this.#locals[k]!]);
      count++;
      k = run;
    }
    return [...unsigned(count), ...groups, ...this.#head, ...this.bytes, 0x0b];
  }

  #push(type: ValueType): void {
    this.#stack.push(type);
  }

  #pop(type: ValueType, who: string): void {
    const found = this.#stack.pop();
    if (found !== type) this.#fail(who, `${type} on the stack`, found ?? "an empty stack");
  }

  #expectEmpty(who: string): void {
    if (this.#stack.length > 0) this.#fail(who, "an empty stack", this.#stack.join(" "));
  }

  #fail(who: string, expected: string, received: string): never {
    throw new GraphError({ who: `assembler: ${who}`, expected, received });
  }
}

/** Functions put together to a module that imports one memory. */
export class Module {
  readonly #types: { parameters: readonly ValueType[]; result: ValueType | undefined }[] = [];
  readonly #functions: { type: number; body: readonly number[] }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #shared: boolean;

  /** `shared`: the imported memory is shared; then 4 GiB is its greatest allowed maximum. */
  constructor(shared: boolean) {
    this.#shared = shared;
  }

  /** Adds a function and returns its index. */
  add(code: Code): number {
    const parameters = code.parameters.map((local) => local.type);
    let type = this.#types.findIndex(
      (known) => known.result === code.result && known.parameters.join() === parameters.join(),
    );
    if (type < 0) type = this.#types.push({ parameters, result: code.result }) - 1;
    return this.#functions.push({ type, body: code.finish() }) - 1;
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  finish(): Uint8Array<ArrayBuffer> {
    const types = this.#types.map(({ parameters, result }) => [
      0x60,
      ...list(parameters.map((type) => [typeCodes[type]])),
      ...list(result ? [[typeCodes[result]]] : []),
    ]);
    const limits = this.#shared ? [0x03, ...unsigned(0), ...unsigned(65536)] : [0x00, 0x00];
    const imports = [[...text("env"), ...text("memory"), 0x02, ...limits]];
    const functions = this.#functions.map(({ type }) => unsigned(type));
    const exported = this.#exports.map(({ name, index }) => [
      ...text(name),
      0x00,
      ...unsigned(index),
    ]);
    const sections = [
      section(1, list(types)),
      section(2, list(imports)),
      section(3, list(functions)),
      section(7, list(exported)),
    ];
    const bodies = this.#functions.map(({ body }) => Uint8Array.from(body));
    const code: number[] = unsigned(bodies.length);
    const codeSize = bodies.reduce(
      (size, body) => size + unsigned(body.length).length + body.length,
      code.length,
    );
    const head = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()];
    head.push(0x0a, ...unsigned(codeSize), ...code);
    const size = head.length + codeSize - code.length;
    const bytes = new Uint8Array(size);
    bytes.set(head);
    let at = head.length;
    for (const body of bodies) {
      const length = unsigned(body.length);
      bytes.set(length, at);
      bytes.set(body, at + length.length);
      at += length.length + body.length;
    }
    return bytes;
  }
}

const section = (id: number, content: number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
];

const list = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];

const text = (value: string): number[] => {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
};

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7f;
    bytes.push((rest % 128) | (more ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of an int32. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}
