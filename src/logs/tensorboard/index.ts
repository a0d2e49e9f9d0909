/** TensorBoard's event files: written, and read. */
export { EventFile } from "./event-file.ts";
export { type EventFound, type LogEvent, readEvents, type SummaryValue } from "./events.ts";
export type { Picture } from "./png.ts";
export { histogramSummary, imageSummary, modelSummary, scalarSummary } from "./summaries.ts";
export type { LogTensor, TensorType } from "./tensors.ts";
