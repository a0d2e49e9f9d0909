import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fusedMultiplyAdd } from "./features.ts";

it.runIf(process.platform === "linux" && process.arch === "x64")(
  "multiply-adds fuse where the processor has them",
  () => {
    const hasFma = /^flags\s*:.*\bfma\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
    expect(fusedMultiplyAdd()).toBe(hasFma);
  },
);
