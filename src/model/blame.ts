/** Errors from below, told with the name of the part they happened in. */
import { AntlerError, ShapeError } from "../base/errors.ts";

/** Runs `action`; an error of ours from below (a tensor's, say) then names the part. */
export function blaming<T>(label: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof AntlerError) || error.who.startsWith(label)) throw error;
    throw renewed(error, { who: label, expected: `${error.who}: ${error.expected}` });
  }
}

/** Runs `action`; a shape error then says what the part follows. */
export function following<T>(label: string | undefined, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ShapeError) || label === undefined) throw error;
    const follows = `It follows ${label}.`;
    throw renewed(error, { fix: error.fix ? `${error.fix} ${follows}` : follows });
  }
}

/** An error of the same class with other parts. */
function renewed(
  error: AntlerError,
  { who = error.who, expected = error.expected, fix = error.fix }: Partial<AntlerError>,
): AntlerError {
  const Same = error.constructor as typeof AntlerError;
  return new Same({ who, expected, received: error.received, fix, cause: error });
}
