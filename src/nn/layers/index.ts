/** All layers: each class beside its factory. To add one, add its file and a line here. */
export { Layer, type LayerOptions } from "../layer.ts";
export { Activation, type ActivationOptions, activation } from "./activation.ts";
export { Dense, type DenseOptions, dense } from "./dense.ts";
export { Dropout, type DropoutOptions, dropout } from "./dropout.ts";
export { Flatten, flatten } from "./flatten.ts";
