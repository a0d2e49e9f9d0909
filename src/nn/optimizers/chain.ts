/** The check of a user's own chain. */
import { describe, ValueError } from "../../base/errors.ts";
import type { Transform } from "../transforms/transform.ts";

/** Throws a ValueError unless this is a name and a chain of links. */
export function checkChain(name: unknown, transforms: unknown): void {
  if (typeof name !== "string" || name === "")
    throw new ValueError({
      who: "Optimizer",
      expected: "name must be a text",
      received: describe(name),
      fix: 'Example: new Optimizer({ name: "mine", learningRate: 0.1, transforms: [...] })',
    });
  if (!Array.isArray(transforms))
    throw new ValueError({
      who: name,
      expected: "transforms must be an array of links",
      received: describe(transforms),
    });
  for (const [i, link] of transforms.entries()) {
    const { name: linkName, update } = (link ?? {}) as Partial<Transform>;
    if (typeof linkName !== "string" || typeof update !== "function")
      throw new ValueError({
        who: name,
        expected: `transforms[${i}] must be a link, { name, update }`,
        received: describe(link),
        fix: "Links of the library: transforms.scaleByLearningRate(), ...",
      });
  }
}
