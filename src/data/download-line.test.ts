import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ArchiveProgress } from "./archive.ts";
import { DownloadLine, drawDownload } from "./download-line.ts";

const state = { title: "CIFAR-10", received: 64_230_000, total: 170_052_171, speed: 12_340_000 };

describe("drawDownload", () => {
  it("shows a bar, the bytes, the speed and the time that is left", () => {
    expect(drawDownload(state, 80)).toBe(
      "CIFAR-10 ━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  64.2/170.1 MB  12.3 MB/s 9 s left",
    );
    expect(drawDownload({ ...state, speed: 500_000 }, 120)).toBe(
      "CIFAR-10 ━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  64.2/170.1 MB   0.5 MB/s 3 min 32 s left",
    );
  });

  it("shows what is done when all is there", () => {
    expect(drawDownload({ ...state, received: state.total, step: "unpacking" }, 80)).toBe(
      "CIFAR-10 ━━━━━━━━━━━━━━━━━━━━━━━━━ 170.1/170.1 MB unpacking",
    );
  });

  it("keeps its bar where it is, whatever the numbers", () => {
    const barOf = (change: object) =>
      drawDownload({ ...state, ...change }, 80).match(/[━╌]+/)![0].length;
    for (const change of [
      { speed: undefined },
      { speed: 1e3 },
      { received: 0 },
      { step: "checking" },
    ])
      expect(barOf(change)).toBe(barOf({}));
  });

  it("never breaks a line, also with ^C behind it", () => {
    const amounts = fc.tuple(fc.nat(2e9), fc.nat(2e9), fc.option(fc.double({ min: 0, max: 1e10 })));
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 200 }),
        amounts,
        (columns, [received, total, speed]) => {
          const amount = { received, total: Math.max(total, 1), speed: speed ?? undefined };
          const line = drawDownload({ title: "CIFAR-10", ...amount }, columns);
          expect(line.length + 2).toBeLessThan(columns);
        },
      ),
    );
  });

  it("has fewer parts where the terminal is narrow", () => {
    expect(drawDownload(state, 50)).toBe("CIFAR-10 ━━━━╌╌╌╌╌╌╌╌  64.2/170.1 MB  12.3 MB/s");
    expect(drawDownload(state, 30)).toBe("CIFAR-10  64.2/170.1 MB");
    expect(drawDownload(state, 12)).toBe("CIFAR-10");
  });

  it("is coloured if that is wanted", () => {
    expect(drawDownload(state, 80, true)).toContain("\x1b[32m━");
    expect(drawDownload(state, 80)).not.toContain("\x1b");
  });
});

describe("DownloadLine", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const made = (isTTY: boolean, variables: Record<string, string> = { NO_COLOR: "1" }) => {
    const written: string[] = [];
    const output = { isTTY, columns: 80, write: (text: string) => written.push(text) };
    return { written, line: new DownloadLine(output, (name) => variables[name]) };
  };
  const usual = { title: "CIFAR-10", url: "http://x/a", folder: "/cache/x", total: 100e6 };
  const at = (step: ArchiveProgress["step"], received: number): ArchiveProgress => ({
    ...usual,
    step,
    received,
  });
  const run = (line: DownloadLine) => {
    line.onProgress(at("download", 0));
    for (let i = 1; i <= 100; i++) {
      vi.advanceTimersByTime(20);
      line.onProgress(at("download", i * 1e6));
    }
    for (const step of ["check", "unpack", "done"] as const) line.onProgress(at(step, 100e6));
    line.leave();
  };

  it("draws at most ten times a second, and leaves lines that tell what happened", () => {
    const { line, written } = made(true);
    run(line);
    expect(written.length).toBeLessThan(27);
    expect(written[0]).toBe("Downloading CIFAR-10 (100.0 MB) from http://x/a\n");
    expect(written[1]).toMatch(/^\rCIFAR-10 ╌{25} +0\.0\/100\.0 MB/);
    expect(written[12]).toContain(" 55.0/100.0 MB  50.0 MB/s 1 s left\x1b[K");
    expect(written.at(-3)).toMatch(/^\rCIFAR-10 ━{25} 100.0\/100.0 MB checking/);
    expect(written.at(-2)).toContain("unpacking");
    expect(written.at(-1)).toBe("\r\x1b[KCIFAR-10 is now in /cache/x\n");
  });

  it("writes plain lines, and few, where no terminal is, or a dumb one", () => {
    for (const { line, written } of [made(false), made(true, { TERM: "dumb" })]) {
      run(line);
      expect(written).toEqual([
        "Downloading CIFAR-10 (100.0 MB) from http://x/a\n",
        "CIFAR-10 is now in /cache/x\n",
      ]);
    }
  });

  it("tells of waiting, of going on and of beginning anew", () => {
    const { line, written } = made(false);
    line.onProgress(at("wait", 0));
    line.onProgress(at("download", 50e6));
    line.onProgress(at("check", 100e6));
    line.onProgress(at("download", 0));
    expect(written).toEqual([
      "Waiting for another process that downloads CIFAR-10\n",
      "Downloading CIFAR-10 (100.0 MB) from http://x/a, going on at 50.0 MB\n",
      "Downloading CIFAR-10 (100.0 MB) from http://x/a\n",
    ]);
  });

  it("tells what is kept of a download that is ended", () => {
    const { line, written } = made(true);
    line.onProgress(at("download", 50e6));
    line.interrupted();
    expect(written.slice(-2)).toEqual([
      "\n",
      "50.0 MB of CIFAR-10 are kept: the next download goes on there\n",
    ]);
    // Nothing came, or it is over.
    for (const last of [at("wait", 0), at("download", 0), at("unpack", 100e6)]) {
      const other = made(false);
      other.line.onProgress(last);
      const { length } = other.written;
      other.line.interrupted();
      expect(other.written).toHaveLength(length);
    }
  });

  it("ends its line when it is left in the middle", () => {
    const { line, written } = made(true);
    line.onProgress(at("download", 0));
    line.leave();
    line.leave();
    expect(written).toHaveLength(3);
    expect(written[2]).toBe("\n");
  });

  it("measures the speed of the last seconds", () => {
    const { line, written } = made(true);
    line.onProgress(at("download", 0));
    for (let i = 1; i <= 50; i++) {
      vi.advanceTimersByTime(200);
      line.onProgress(at("download", i <= 25 ? i * 2e6 : 50e6 + (i - 25) * 0.2e6));
    }
    expect(written.at(-1)).toContain("  1.0 MB/s 45 s left");
  });

  it("tells nothing where there is no stream", () => {
    run(new DownloadLine(undefined, () => undefined));
  });
});
