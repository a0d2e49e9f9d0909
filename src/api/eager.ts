/** Lets parts without a model run on the process's default engine. */
import { defaultEngine } from "../runtime/engine.ts";
import { setEvaluator } from "../tensor/eager.ts";

export { type ValueAndGradients, valueAndGradients } from "../tensor/eager.ts";

setEvaluator(async (traced, inputs) => {
  const execution = await defaultEngine().load(traced);
  try {
    return await execution.run(1, inputs);
  } finally {
    execution.close();
  }
});
