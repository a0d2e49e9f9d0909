/** What users see of the layers: classes, factories, and Keras's pair `serialize` / `deserialize`. */
export { deserializeLayer as deserialize, serializeLayer as serialize } from "../layer-registry.ts";
export * from "./index.ts";
