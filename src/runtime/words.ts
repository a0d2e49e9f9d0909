/** The words of a thread's table of arguments, once it is known what lies where. */
import type { ArgumentWord } from "../compile/program.ts";

/** Addresses, in bytes. */
export interface Addresses {
  /** Of a variable or table, by its canonical name. */
  placeOf(name: string): number;
  readonly arena: number;
  /** Of the thread's own scratch memory. */
  readonly scratch: number;
}

export function wordsOf(list: readonly ArgumentWord[], addresses: Addresses): Int32Array {
  // Addresses from 2^31 on have the same 32 bits as a negative number.
  return Int32Array.from(list, (word) => addressOf(word, addresses) | 0);
}

function addressOf(word: ArgumentWord, { placeOf, arena, scratch }: Addresses): number {
  switch (word.kind) {
    case "variable":
    case "table":
      return placeOf(word.name) + word.offset;
    case "arena":
      return arena + word.offset;
    case "scratch":
      return scratch + word.offset;
    case "number":
      return word.value;
  }
}
