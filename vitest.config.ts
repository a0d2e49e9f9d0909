import { defineConfig } from "vitest/config";

// Versions from 22 on have relaxed SIMD, and refuse the flag.
const needsFlag = Number(process.versions.node.split(".")[0]) < 22;

export default defineConfig({
  // The sources are tested, not the build: `#host` resolves to src/host.
  resolve: { conditions: ["antler-source"] },
  ssr: { resolve: { conditions: ["antler-source"] } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.mjs"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: [...(needsFlag ? ["--experimental-wasm-relaxed-simd"] : []), "--expose-gc"],
    reporters: ["default", "./tools/test-summary.ts"],
  },
});
