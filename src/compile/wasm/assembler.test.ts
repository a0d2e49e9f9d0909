import { describe, expect, it } from "vitest";
import { GraphError } from "../../ir/node.ts";
import { Code, Module, unsigned } from "./assembler.ts";
import { type Instruction, type InstructionName, instructions } from "./instructions.ts";

/** What went wrong, as text. */
const mistake = (write: (code: Code) => void, code = new Code(["i32"])): string => {
  try {
    write(code);
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    return (error as GraphError).message;
  }
  throw new Error("nothing was rejected");
};

interface Running {
  readonly call: (...words: number[]) => number;
  readonly words: Int32Array;
}

/** Puts one function of whole numbers into a module and loads it, with a page of memory. */
function load(parameters: number, write: (code: Code) => void, returns = true): Running {
  const code = new Code(new Array(parameters).fill("i32"), returns ? "i32" : undefined);
  write(code);
  const module = new Module(false);
  module.export("it", module.add(code));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const compiled = new WebAssembly.Module(module.finish());
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    call: exports.it as (...words: number[]) => number,
    words: new Int32Array(memory.buffer),
  };
}

describe("the assembler rejects", () => {
  const expectedI32 = (received: string) => `i32 on the stack, got ${received}`;

  it.each<[string, (code: Code) => void, string]>([
    ["an operand that is not there", (code) => code.do("i32.add"), expectedI32("an empty stack")],
    [
      "a second operand that is not there",
      (code) => code.i32(1).do("i32.add"),
      expectedI32("an empty stack"),
    ],
    [
      "an operand of another type",
      (code) => code.i32(1).splat(0).do("i32.add"),
      expectedI32("v128"),
    ],
    [
      "a first operand of another type",
      (code) => code.splat(0).i32(1).do("i32.add"),
      expectedI32("v128"),
    ],
    [
      "a vector where an address is due",
      (code) => code.splat(0).do("v128.load"),
      expectedI32("v128"),
    ],
    [
      "operands in the wrong order",
      (code) => code.splat(0).i32(0).do("v128.store"),
      "v128 on the stack, got i32",
    ],
    [
      "setting a local of another type",
      (code) => code.splat(0).set(code.local("i32")),
      expectedI32("v128"),
    ],
    [
      "teeing a local from nothing",
      (code) => code.tee(code.local("v128")),
      "v128 on the stack, got an empty stack",
    ],
    ["dropping nothing", (code) => code.drop(), "a value, got an empty stack"],
    [
      "a shuffle of one vector",
      (code) => code.splat(0).shuffle(new Array(16).fill(0)),
      "v128 on the stack, got an empty stack",
    ],
    [
      "a wait without an expected word",
      (code) => code.i32(0).wait(),
      expectedI32("an empty stack"),
    ],
    [
      "a call with too few arguments",
      (code) => code.i32(1).call(0, ["i32", "i32"]),
      expectedI32("an empty stack"),
    ],
    [
      "a call with an argument of another type",
      (code) => code.i32(1).call(0, ["v128"]),
      "v128 on the stack, got i32",
    ],
    [
      "a loop without a condition",
      (code) => code.repeatWhile(() => {}),
      expectedI32("an empty stack"),
    ],
    [
      "a loop that leaves more than its condition",
      (code) => code.repeatWhile(() => code.i32(1).i32(1)),
      "an empty stack, got i32",
    ],
    [
      "a loop that takes what stands outside",
      (code) => code.i32(1).repeatWhile(() => code.do("i32.eqz")),
      expectedI32("an empty stack"),
    ],
    ["a branch without a condition", (code) => code.when(() => {}), expectedI32("an empty stack")],
    [
      "a branch that leaves something",
      (code) => code.i32(1).when(() => code.i32(1)),
      "an empty stack, got i32",
    ],
    [
      "another branch that leaves something",
      (code) =>
        code.i32(1).when(
          () => {},
          () => code.splat(0),
        ),
      "an empty stack, got v128",
    ],
    [
      "a first branch that leaves something to the other",
      (code) =>
        code.i32(1).when(
          () => code.i32(1),
          () => code.drop(),
        ),
      "an empty stack, got i32",
    ],
    ["a head that leaves something", (code) => code.head(() => code.i32(1)), "an empty"],
    [
      "a head that takes what stands in the body",
      (code) => code.i32(1).head(() => code.drop()),
      "a value, got an empty stack",
    ],
    ["a function that leaves something", (code) => code.i32(1).finish(), "an empty stack"],
  ])("%s", (_, write, message) => {
    expect(mistake(write)).toContain(message);
  });

  it("a result that is not there, or of another type, or one of two", () => {
    const finish = (write: (code: Code) => void) =>
      mistake((code) => {
        write(code);
        code.finish();
      }, new Code([], "i32"));
    expect(finish(() => {})).toContain("return: i32 on the stack, got an empty stack");
    expect(finish((code) => code.splat(0))).toContain("i32 on the stack, got v128");
    expect(finish((code) => code.i32(1).i32(2))).toContain("end of the function: an empty");
  });

  it("and says which instruction it was", () => {
    expect(mistake((code) => code.do("f32x4.pmin"))).toBe(
      "assembler: f32x4.pmin: v128 on the stack, got an empty stack.",
    );
  });
});

describe("LEB128", () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [16383, [0xff, 0x7f]],
    [16384, [0x80, 0x80, 1]],
    [2 ** 31, [0x80, 0x80, 0x80, 0x80, 0x08]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("unsigned %i", (value, bytes) => {
    expect(unsigned(value)).toEqual(bytes);
  });

  it.each([
    ...[0, 1, -1, 63, 64, -64, -65, 127, 128, -128, -129, 8191, 8192, -8192, -8193],
    ...[2 ** 20, -(2 ** 20), 2 ** 27 - 1, 2 ** 31 - 1, -(2 ** 31), 1 - 2 ** 31],
  ])("the constant %i comes back", (value) => {
    expect(load(0, (code) => code.i32(value)).call()).toBe(value);
  });

  it("words from 2^31 on are the same bits as negative numbers", () => {
    expect(load(0, (code) => code.i32(2 ** 32 - 1)).call()).toBe(-1);
    expect(load(0, (code) => code.i32(2 ** 31)).call()).toBe(-(2 ** 31));
  });

  it("offsets of memory instructions of every length", () => {
    for (const offset of [0, 4, 124, 128, 16380, 16384, 65532]) {
      const { call, words } = load(1, (code) =>
        code.get(code.parameters[0]).do("i32.load", offset),
      );
      words[offset / 4] = 77;
      expect(call(0)).toBe(77);
    }
  });
});

describe("code", () => {
  it("loops while the condition holds, at least once", () => {
    // The sum of n, n - 1, ... down to 1.
    const { call } = load(1, (code) => {
      const [n] = code.parameters;
      const sum = code.local("i32");
      code.repeatWhile(() => {
        code.get(sum).get(n).do("i32.add").set(sum);
        code.get(n).i32(1).do("i32.sub").tee(n).i32(0).do("i32.gt_u");
      });
      code.get(sum);
    });
    expect([1, 2, 10].map((n) => call(n))).toEqual([1, 3, 55]);
  });

  it("branches, with and without another branch, nested in loops", () => {
    // Counts even numbers below n in the low half, multiples of 3 among the odd ones in the high half.
    const { call } = load(1, (code) => {
      const [n] = code.parameters;
      const count = code.local("i32");
      const i = code.local("i32");
      const add = (amount: number) => code.get(count).i32(amount).do("i32.add").set(count);
      const remainder = (of: number) => {
        // i - of * floor(i / of), by repeated subtraction.
        const rest = code.local("i32");
        code.get(i).set(rest);
        code.get(rest).i32(of).do("i32.ge_u");
        code.when(() =>
          code.repeatWhile(() => {
            code.get(rest).i32(of).do("i32.sub").tee(rest).i32(of).do("i32.ge_u");
          }),
        );
        code.get(rest);
        code.release(rest);
      };
      code.repeatWhile(() => {
        remainder(2);
        code.do("i32.eqz").when(
          () => add(1),
          () => {
            remainder(3);
            code.do("i32.eqz").when(() => add(0x10000));
          },
        );
        code.get(i).i32(1).do("i32.add").tee(i).get(n).do("i32.lt_u");
      });
      code.get(count);
    });
    expect(call(1)).toBe(1);
    // 0 2 4 6 8 10 12 14 16 18; 3 9 15
    expect(call(20)).toBe(0x3000a);
  });

  it("runs its head once, before everything else, wherever it was written", () => {
    const { call } = load(1, (code) => {
      const [n] = code.parameters;
      const start = code.fresh("i32");
      const sum = code.local("i32");
      code.get(start).set(sum);
      code.repeatWhile(() => {
        // Written inside the loop, and after the local was first read.
        code.head(() => code.get(start).i32(100).do("i32.add").set(start));
        code.get(sum).i32(1).do("i32.add").set(sum);
        code.get(n).i32(1).do("i32.sub").tee(n);
      });
      code.get(sum);
    });
    expect(call(5)).toBe(105);
  });

  it("keeps the order of heads", () => {
    const { call } = load(0, (code) => {
      const local = code.fresh("i32");
      code.head(() => code.i32(3).set(local));
      code.head(() => code.get(local).i32(4).do("i32.mul").set(local));
      code.get(local);
    });
    expect(call()).toBe(12);
  });

  it("hands a released local out again, one of the same type, and never one that is fresh", () => {
    const code = new Code([]);
    const [a, b] = [code.local("i32"), code.local("v128")];
    code.release(a);
    expect(code.local("v128")).not.toEqual(b);
    expect(code.fresh("i32").index).not.toBe(a.index);
    expect(code.local("i32")).toBe(a);
    expect(code.localTypes).toEqual(["i32", "v128", "v128", "i32"]);
  });

  it("declares locals of mixed types in order", () => {
    const { call } = load(1, (code) => {
      const vector = code.local("v128");
      const word = code.local("i32");
      const other = code.local("v128");
      code.get(code.parameters[0]).tee(word).do("i32x4.splat").tee(vector).set(other);
      code.get(vector).get(other).do("i32x4.add").do("i32x4.extract_lane", 0, 3);
      code.get(word).do("i32.add");
    });
    expect(call(7)).toBe(21);
  });

  it("writes lanes, shuffles and constant vectors as they say", () => {
    const stored = load(
      0,
      (code) => {
        const ramp = [0, 1, 2, 3].flatMap((i) => [i + 10, 0, 0, 0]);
        code.i32(0).vector(ramp).do("v128.store");
        code.i32(16).splat(0x89abcdef).do("v128.store", 16);
        code.i32(64).vector(ramp).do("v128.store32_lane", 0, 2);
        const swapped = [8, 9, 10, 11, 0, 1, 2, 3, 16, 17, 18, 19, 28, 29, 30, 31];
        code.i32(80).vector(ramp).splat(5).shuffle(swapped).do("v128.store");
      },
      false,
    );
    stored.call();
    expect([...stored.words.subarray(0, 4)]).toEqual([10, 11, 12, 13]);
    expect([...stored.words.subarray(8, 12)]).toEqual(new Array(4).fill(0x89abcdef | 0));
    expect(stored.words[16]).toBe(12);
    expect([...stored.words.subarray(20, 24)]).toEqual([12, 10, 5, 5]);
  });

  it("calls another function of the module", () => {
    const module = new Module(false);
    const double = new Code(["i32", "v128"], "i32");
    const [word, vector] = double.parameters;
    double.get(word).get(vector).do("i32x4.extract_lane", 0, 1).do("i32.add");
    const index = module.add(double);
    const code = new Code(["i32"], "i32");
    code.get(code.parameters[0]).vector([0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    code.call(index, ["i32", "v128"], "i32");
    module.export("it", module.add(code));
    const memory = new WebAssembly.Memory({ initial: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
      env: { memory },
    });
    expect((instance.exports.it as (word: number) => number)(37)).toBe(42);
  });
});

describe("a module", () => {
  it("has one type for functions of the same form", () => {
    const module = new Module(false);
    const sizes = [1, 2, 3].map(() => {
      module.add(new Code(["i32", "v128"]));
      return module.finish().length;
    });
    // Index of its type, and four bytes of an empty body.
    expect(sizes[2] - sizes[1]).toBe(sizes[1] - sizes[0]);
    expect(sizes[1] - sizes[0]).toBe(4);
    expect(WebAssembly.validate(module.finish())).toBe(true);
  });

  it("imports a memory that is shared, or one that is not", () => {
    for (const shared of [true, false]) {
      const module = new Module(shared);
      module.export("nothing", module.add(new Code([])));
      const bytes = module.finish();
      const [own, other] = [shared, !shared].map((kind) =>
        kind
          ? new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
          : new WebAssembly.Memory({ initial: 1 }),
      );
      const compiled = new WebAssembly.Module(bytes);
      expect(() => new WebAssembly.Instance(compiled, { env: { memory: own } })).not.toThrow();
      expect(() => new WebAssembly.Instance(compiled, { env: { memory: other } })).toThrow();
    }
  });

  it("of many functions and large bodies validates: lengths of two and three bytes", () => {
    const module = new Module(false);
    for (let f = 0; f < 200; f++) {
      const code = new Code(["i32"], "i32");
      code.get(code.parameters[0]);
      for (let i = 0; i < f * 10; i++) code.i32(i).do("i32.add");
      module.export(`function${f}`, module.add(code));
    }
    const bytes = module.finish();
    expect(bytes.length).toBeGreaterThan(2 ** 17);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: new WebAssembly.Memory({ initial: 0 }) },
    });
    expect((exports.function3 as (word: number) => number)(0)).toBe((29 * 30) / 2);
  });
});

describe("every instruction of the table", () => {
  const names = Object.keys(instructions) as InstructionName[];

  it.each(names)("%s validates with the types that its row has", (name) => {
    const instruction: Instruction = instructions[name];
    const code = new Code([], instruction.gives);
    for (const type of instruction.takes) {
      if (type === "i32") code.i32(0);
      else code.splat(0);
    }
    code.do(name);
    const module = new Module(true);
    module.add(code);
    // Atomic instructions and relaxed ones too: the flag of the host is set for tests.
    expect(WebAssembly.validate(module.finish())).toBe(true);
  });
});
