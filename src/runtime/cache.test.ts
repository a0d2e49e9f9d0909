import { expect, it } from "vitest";
import { RecentCache } from "./cache.ts";

it("RecentCache lets the entry go that was not used for longest", () => {
  const left: number[] = [];
  const cache = new RecentCache<string, number>(2, (value) => left.push(value));
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect(left).toEqual([2]);
  expect(cache.get("b")).toBeUndefined();
  expect(cache.size).toBe(2);
  // Replaced by another value, one leaves; replaced by itself, it stays.
  cache.set("a", 1);
  cache.set("c", 4);
  expect(left).toEqual([2, 3]);
});
