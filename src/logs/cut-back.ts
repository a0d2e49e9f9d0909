/** Log files of a fit that goes on: what was written after its state was saved is taken away. */
import { fileSize, truncateFile } from "#host";
import { DataError } from "../base/errors.ts";

/**
 * Cuts a file back to the bytes that it had.
 *
 * @throws DataError where it was lost, or is shorter than it was
 */
export async function cutBack(path: string, bytes: number, who: string): Promise<void> {
  const size = await fileSize(path);
  if (size === undefined || size < bytes)
    throw new DataError({
      who: `${who} ${path}`,
      expected: `the file must have the ${bytes} bytes that were there when the state was saved`,
      received: size === undefined ? "no file" : `${size} bytes`,
      fix: "It was lost or changed meanwhile: bring it back, or begin the fit anew.",
    });
  if (size > bytes) await truncateFile(path, bytes);
}
