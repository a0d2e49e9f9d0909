/** Imported before a program: at its end it writes the peak of resident bytes to descriptor 3. */
import { readFileSync, writeSync } from "node:fs";

process.on("exit", () => writeSync(3, `${peakBytes()}`));

function peakBytes() {
  try {
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    return kibibytes * 1024;
  } catch {
    // Not Linux. There the figure below would start at what the parent had when it forked.
    return process.resourceUsage().maxRSS * 1024;
  }
}
