/** Errors of parts, with the file in front. */
import { AntlerError, DataError, type ErrorParts } from "../../base/errors.ts";

/**
 * What `task` returns. An error that it throws gets the file in front: `model.keras: Dense config:
 * ...`, unless it names the file already; one that is not the library's (of a user's own class, or of
 * a config that nobody thought of) becomes the cause of a DataError.
 *
 * @param what the file's part that it works on, for such an error
 */
export async function naming<T>(
  file: string,
  what: string,
  task: () => T | Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof AntlerError)) {
      const expected = `${what} must be one that can be read`;
      throw new DataError({ who: file, expected, received: String(error), cause: error });
    }
    if (error.who.startsWith(file)) throw error;
    throw withParts(error, { who: `${file}: ${error.who}` });
  }
}

/** What `task` returns. An error of the library that it throws tells of another way, too. */
export function advising<T>(advice: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (!(error instanceof AntlerError)) throw error;
    throw withParts(error, { fix: error.fix === undefined ? advice : `${error.fix} ${advice}` });
  }
}

/** The same error with other parts; the error itself is its cause. */
function withParts(error: AntlerError, parts: Partial<ErrorParts>): AntlerError {
  const { who, expected, received, fix } = error;
  const Same = error.constructor as new (parts: ErrorParts) => AntlerError;
  return new Same({ who, expected, received, fix, ...parts, cause: error });
}
