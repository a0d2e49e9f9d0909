/** Amounts of memory as text. */

const units = ["KiB", "MiB", "GiB"];

/** Bytes for people: `512 bytes`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = "bytes";
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${unit === "bytes" ? value : value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
