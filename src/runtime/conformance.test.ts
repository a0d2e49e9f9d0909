import { deviceConformance } from "./conformance.case.ts";
import { Engine, type EngineOptions } from "./engine.ts";

const devices: [name: string, options: EngineOptions][] = [
  ["reference", { device: "reference" }],
  ["wasm, one thread", { threads: 1 }],
  ["wasm, three threads", { threads: 3 }],
  ["wasm, without fused multiply-add", { threads: 2, fma: false }],
  ["wasm, a worker's own memory", { shared: false }],
];

for (const [name, options] of devices) deviceConformance(name, () => new Engine(options));
