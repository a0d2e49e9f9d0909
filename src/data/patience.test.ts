import { describe, expect, it } from "vitest";
import { delay, Watch } from "./patience.ts";

describe("a watch", () => {
  it("ends by the caller's signal, with its reason", () => {
    const controller = new AbortController();
    const watch = new Watch(controller.signal);
    expect(watch.signal.aborted).toBe(false);
    controller.abort("enough");
    expect(watch.signal.reason).toBe("enough");
    expect(watch.isOver).toBe(false);
    watch.end();
  });

  it("ends by a signal of before", () => {
    const watch = new Watch(AbortSignal.abort("before"));
    expect(watch.signal.reason).toBe("before");
    watch.end();
  });

  it("ends when its time is over, and not when it was stopped", async () => {
    const { signal } = new AbortController();
    const [stopped, over] = [new Watch(signal), new Watch(signal)];
    stopped.start(10);
    stopped.stop();
    over.start(20);
    await new Promise((resolve) => over.signal.addEventListener("abort", resolve));
    expect(over.isOver).toBe(true);
    expect(stopped.isOver).toBe(false);
    expect(stopped.signal.aborted).toBe(false);
    for (const watch of [stopped, over]) watch.end();
  });
});

describe("delay", () => {
  it("ends after its time, or at once by the signal", async () => {
    const controller = new AbortController();
    const start = performance.now();
    await delay(20, controller.signal);
    expect(performance.now() - start).toBeGreaterThan(15);
    const long = delay(60_000, controller.signal);
    controller.abort();
    await long;
    await delay(60_000, controller.signal);
  });
});
