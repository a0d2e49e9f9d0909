/** A program as text for people. */
import type { KernelReport, Program } from "../compile/program.ts";
import { countOps } from "../compile/report.ts";
import type { KernelTime } from "../runtime/profile.ts";
import { count, short } from "./text.ts";

/**
 * What each pass did, the kernels, and the sums over a step.
 *
 * @param times of the kernels, in order, where they were measured
 * @param bold makes a heading
 */
export function explanation(
  title: string,
  program: Program,
  times: readonly KernelTime[] | undefined,
  bold: (text: string) => string,
): string {
  const { passes, kernels, barriers, flops } = program.report;
  const codes = new Set(kernels.map(({ code }) => code)).size;
  const width = Math.max(...passes.map(({ name }) => name.length));
  const bytes = kernels.reduce((sum, kernel) => sum + kernel.bytes, 0);
  const threads = program.threads === 1 ? "1 thread" : `${program.threads} threads`;
  const multiplyAdd = program.fma ? "fused multiply-add" : "no fused multiply-add";
  return [
    bold(`${title}: ${threads}, ${multiplyAdd}`),
    "",
    bold("Passes"),
    ...passes.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    bold(`Kernels: ${kernels.length} in a step, of ${codes} different codes`),
    ...kernels.flatMap((kernel, i) => kernelLines(kernel, i + 1, times?.[i])),
    "",
    bold("Sums over a step"),
    `  barriers   ${count(barriers)}`,
    `  FLOPs      ${count(flops)} (a multiply-add is two; elementwise work is not counted)`,
    `  bytes      ${count(bytes)} read and written by kernels, each value once`,
    `  arena      ${count(program.arenaBytes)} bytes, and ${count(program.scratchBytes)} for each thread`,
    `  code       ${count(program.bytes.length)} bytes of WebAssembly`,
    ...(times ? [`  time       ${timeSum(times)}`] : []),
    "",
  ].join("\n");
}

function kernelLines(kernel: KernelReport, place: number, time: KernelTime | undefined): string[] {
  const { code, what, fused, split, flops, bytes, tile } = kernel;
  const cost = `${count(flops)} FLOPs, ${count(bytes)} bytes`;
  const took = time ? `, ${timeText(time)}` : "";
  return [
    `  ${String(place).padStart(3)} ${what}`,
    `      code ${code}; ${cost}${took}`,
    ...(fused.length > 0 ? [`      fused: ${countOps(fused)}`] : []),
    ...(tile ? [`      tile: ${tile}`] : []),
    ...(split ? [`      split: ${splitText(split)}`] : []),
  ];
}

/** `c: 0-52, 52-100`. */
const splitText = ({ axis, parts }: NonNullable<KernelReport["split"]>): string =>
  `${axis} ${parts.map(([from, to]) => `${from}-${to}`).join(", ")}`;

function timeText({ milliseconds, peakShare }: KernelTime): string {
  const share = peakShare > 0 ? `, ${(100 * peakShare).toFixed(0)} % of a core's peak` : "";
  return `${short(1000 * milliseconds)} us alone in a loop${share}`;
}

function timeSum(times: readonly KernelTime[]): string {
  const sum = times.reduce((total, { milliseconds }) => total + milliseconds, 0);
  return `${short(sum)} ms, the kernels of one thread alone in a loop added up`;
}
