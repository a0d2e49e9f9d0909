/** Models of files. */
import type { HostArray } from "../base/host-array.ts";
import { checkSeed } from "../base/philox.ts";
import type { CustomObjects } from "../nn/fields.ts";
import { checkBoolean, settings } from "../nn/options.ts";
import { type FileInput, loadNet } from "../train/saving/load.ts";
import type { Model } from "./model.ts";
import type { ModelOptions } from "./options.ts";
import { modelOf } from "./sequential.ts";

/** Options of `loadModel`. */
export interface LoadModelOptions extends Omit<ModelOptions, "name"> {
  /** Whether it is compiled as the saved one was, with its optimizer's state. Default: true. */
  readonly compile?: boolean;
  /** Classes and functions by name, for what is not the library's: `{ MyLayer }`. */
  readonly customObjects?: CustomObjects;
  /**
   * What noise and order are drawn from. Default: that of the saved model, where Antler saved it; else
   * the next one.
   */
  readonly seed?: number;
  /** Takes weights with NaN and infinities, which are an error else. Default: false. */
  readonly allowNonFinite?: boolean;
}

/**
 * The model in a file: what `model.save` wrote, here, in Keras 3 or in tf_keras. What it is, is told by
 * its content: `.keras`, or a whole model as `.h5`. A model that was compiled is compiled with the
 * optimizer as it was, and training goes on from there; that of a `.keras` of Antler bit for bit.
 *
 * @param file a path, or (in a browser) the file's bytes as Uint8Array, ArrayBuffer or Blob
 * @throws DataError where it cannot be read, is broken, has entries too many or too few, or weights
 *   that are not finite; ShapeError for weights of another shape; NameError for a class that is not
 *   known: it names the class and what to register. Errors begin with the file's path
 * @example
 * const best = await loadModel("my_cifar10_model.keras");
 * const { loss, accuracy } = await best.evaluate(x, y);
 */
export async function loadModel<Output extends HostArray | HostArray[] = HostArray>(
  file: FileInput,
  options: LoadModelOptions = {},
): Promise<Model<Output>> {
  const who = "loadModel";
  const defaults = {
    compile: true,
    customObjects: {} as CustomObjects,
    seed: undefined,
    engine: undefined,
    allowNonFinite: false,
  };
  const given = settings<LoadModelOptions, typeof defaults>(options, defaults, who);
  checkBoolean(given.compile, "compile", who);
  checkBoolean(given.allowNonFinite, "allowNonFinite", who);
  if (given.seed !== undefined) checkSeed(given.seed, who);
  return modelOf<Output>(await loadNet(file, given));
}
