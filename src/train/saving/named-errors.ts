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
    const { who, expected, received, fix } = error;
    const Same = error.constructor as new (parts: ErrorParts) => AntlerError;
    throw new Same({ who: `${file}: ${who}`, expected, received, fix, cause: error });
  }
}
