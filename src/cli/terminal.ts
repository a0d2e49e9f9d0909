/** Where text goes, and what it may look like there. */
import { environment } from "#host";

/** The part of a stream that is used here. */
export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export type Style = keyof typeof codes;

const codes = { bold: [1, 22], dim: [2, 22], green: [32, 39], cyan: [36, 39] } as const;

export interface Terminal {
  /** Whether a line can be drawn again: a terminal, not a file or pipe. */
  readonly isLive: boolean;
  /** Characters in a line; asked each time, because people drag windows. */
  readonly columns: number;
  write(text: string): void;
  /** Text in a style, where colours are wanted (https://no-color.org). */
  style(style: Style, text: string): string;
}

export function terminalOf(
  stream: TextStream,
  variable: (name: string) => string | undefined = environment,
): Terminal {
  const isLive = stream.isTTY === true && variable("TERM") !== "dumb";
  const hasColours = isLive && !variable("NO_COLOR");
  return {
    isLive,
    get columns() {
      return stream.columns || 80;
    },
    write: (text) => void stream.write(text),
    style: (style, text) => {
      const [on, off] = codes[style];
      return hasColours ? `\x1b[${on}m${text}\x1b[${off}m` : text;
    },
  };
}
