/** The train step that start-up times are measured on. */
import { availableParallelism } from "node:os";

/** What the lab's train step is recorded for. */
export const stepShapes = {
  batch: 32,
  x: [{ dtype: "uint8", shape: [32, 32, 3] }],
  y: [{ dtype: "uint8", shape: [] }],
};

/** As many as the engine uses where nobody says. */
export const defaultThreads = () => Math.min(availableParallelism(), 8);
