/** Row-major numbers in another order of named axes; an axis that is missing is repeated. */
import { type Axis, sizeOfAxes } from "./node.ts";

/**
 * `data`, row-major in `from`, as row-major in `to`, which has all axes of `from`. The same array
 * where nothing moves: nobody may write to it.
 */
export function arrange(
  data: Float64Array,
  from: readonly Axis[],
  to: readonly Axis[],
): Float64Array {
  if (from.length === to.length && from.every((axis, i) => axis.name === to[i].name)) return data;
  const out = new Float64Array(sizeOfAxes(to));
  if (data.length === 1) return out.fill(data[0]);
  const strides = stridesIn(from, to);
  const last = to.length - 1;
  const { size } = to[last];
  const step = strides[last];
  let place = 0;
  const walk = (depth: number, start: number): void => {
    if (depth < last) {
      for (let i = 0, at = start; i < to[depth].size; i++, at += strides[depth])
        walk(depth + 1, at);
      return;
    }
    for (let i = 0, at = start; i < size; i++, at += step) out[place++] = data[at];
  };
  walk(0, 0);
  return out;
}

/** For each axis of `to` the distance of neighbours in row-major `from`; 0 where it is missing. */
function stridesIn(from: readonly Axis[], to: readonly Axis[]): number[] {
  const strides = new Map<string, number>();
  let distance = 1;
  for (const { name, size } of from.toReversed()) {
    strides.set(name, distance);
    distance *= size;
  }
  return to.map(({ name }) => strides.get(name) ?? 0);
}
