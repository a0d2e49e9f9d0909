import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { endFaults, faults, withFaults } from "../../host/faults.case.ts";
import { EventFile } from "./event-file.ts";
import { readEvents } from "./events.ts";
import { scalarSummary } from "./summaries.ts";

vi.mock("#host", async (original) => withFaults(await original()));

const root = mkdtempSync(join(tmpdir(), "event-file-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  endFaults();
  vi.useRealTimers();
});

const loss = (value: number) => [scalarSummary("loss", value)];
const stepsIn = (path: string) => [...readEvents(readFileSync(path), path)].map((e) => e.step);

describe("an event file", () => {
  it("has a name as TensorFlow's, in a folder that is made", async () => {
    const folder = join(root, "a/b/train");
    const [file, other] = [new EventFile(folder), new EventFile(folder)];
    const machine = hostname().replaceAll(".", "\\.");
    expect(file.name).toMatch(
      new RegExp(`^events\\.out\\.tfevents\\.\\d{10}\\.${machine}\\.${process.pid}\\.\\d+\\.v2$`),
    );
    expect(other.name).not.toBe(file.name);
    await file.begin();
    await file.begin();
    expect(readdirSync(folder)).toEqual([file.name]);
    const [first] = readEvents(readFileSync(file.path), "a");
    expect(first).toMatchObject({ fileVersion: "brain.Event:2", step: 0, values: [] });
    expect(Math.abs(first.wallTime - Date.now() / 1000)).toBeLessThan(5);
  });

  it("has on the disk what was flushed", async () => {
    const file = new EventFile(join(root, "flushed"));
    await file.flush();
    expect(file.byteLength).toBe(0);
    file.add(1, [...loss(1), ...loss(2)]);
    expect(readdirSync(root)).not.toContain("flushed");
    await file.flush();
    expect(stepsIn(file.path)).toEqual([0, 1, 1]);
    file.add(2, loss(3));
    expect(stepsIn(file.path)).toEqual([0, 1, 1]);
    const before = file.byteLength;
    await file.flush();
    await file.flush();
    expect(stepsIn(file.path)).toEqual([0, 1, 1, 2]);
    expect(file.byteLength).toBe(readFileSync(file.path).length);
    expect(file.byteLength).toBeGreaterThan(before);
  });

  it("goes on where it was cut back to", async () => {
    const folder = join(root, "cut");
    const file = new EventFile(folder);
    file.add(1, loss(1));
    await file.flush();
    const length = file.byteLength;
    file.add(2, loss(2));
    await file.flush();
    // As left by a kill.
    writeFileSync(file.path, readFileSync(file.path).subarray(0, -3));
    const again = (await EventFile.reopen(folder, file.name, length))!;
    expect(again.byteLength).toBe(length);
    again.add(3, loss(3));
    await again.flush();
    expect(stepsIn(file.path)).toEqual([0, 1, 3]);
    // Nothing of it counts: it begins anew, under its name.
    const empty = (await EventFile.reopen(folder, file.name, 0))!;
    expect(readdirSync(folder)).toEqual([]);
    empty.add(4, loss(4));
    await empty.flush();
    expect(stepsIn(file.path)).toEqual([0, 4]);
    await expect(EventFile.reopen(folder, file.name, 10_000)).rejects.toThrow(
      `TensorBoard ${file.path}: the file must have the 10000 bytes that were there when the state ` +
        `was saved, got ${empty.byteLength} bytes. It was lost or changed meanwhile: bring it back, or `,
    );
    expect(stepsIn(file.path)).toEqual([0, 4]);
    expect(await EventFile.reopen(folder, "events.out.tfevents.1", 10)).toBeUndefined();
  });

  it("takes another name where there is one already", async () => {
    const folder = join(root, "taken");
    const [first, second] = [new EventFile(folder), new EventFile(folder)];
    await first.begin();
    const copy = (await EventFile.reopen(folder, second.name, 0))!;
    await copy.begin();
    second.add(1, loss(1));
    await second.flush();
    expect(stepsIn(copy.path)).toEqual([0]);
    expect(stepsIn(second.path)).toEqual([0, 1]);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it("is due after two minutes or a megabyte", () => {
    vi.useFakeTimers();
    const file = new EventFile(join(root, "due"));
    vi.advanceTimersByTime(200_000);
    expect(file.isDue).toBe(false);
    file.add(1, loss(1));
    expect(file.isDue).toBe(true);
    const large = new EventFile(join(root, "due"));
    large.add(1, loss(1));
    vi.advanceTimersByTime(119_999);
    expect(large.isDue).toBe(false);
    large.add(1, [scalarSummary("x".repeat(1 << 20), 1)]);
    expect(large.isDue).toBe(true);
  });

  it("stays whole on a full disk, and goes on when there is room", async () => {
    const file = new EventFile(join(root, "full"));
    file.add(1, loss(1));
    await file.flush();
    const before = file.byteLength;
    for (const room of [0, 1, 20]) {
      faults.room = room;
      file.add(2, loss(2));
      await expect(file.flush()).rejects.toThrow(
        `${file.path}: must be a writable file, got ENOSPC.`,
      );
      expect(readFileSync(file.path)).toHaveLength(before);
    }
    endFaults();
    file.add(3, loss(3));
    await file.flush();
    expect(stepsIn(file.path)).toEqual([0, 1, 3]);
  });

  it("leaves nothing behind where it cannot begin", async () => {
    const folder = join(root, "none");
    faults.room = 10;
    await expect(new EventFile(folder).begin()).rejects.toThrow("got ENOSPC.");
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(root, "file"), "");
    await expect(new EventFile(join(root, "file/train")).begin()).rejects.toThrow(
      `${join(root, "file/train")}: must be a folder that can be made, got ENOTDIR.`,
    );
  });
});
