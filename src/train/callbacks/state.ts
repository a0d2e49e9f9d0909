/** Callbacks that remember something of a fit. */
import type { Json } from "../../nn/fields.ts";
import type { Callback } from "../callbacks.ts";
import { type CallbackState, readState } from "../state.ts";

export {
  array,
  type CallbackState,
  count,
  readState,
  type StateValue,
  value,
  written,
} from "../state.ts";

/** A callback that remembers something from epoch to epoch. */
export interface StatefulCallback extends Callback {
  /** Options that a fit which goes on must repeat. Default: none are compared. */
  readonly settings?: Readonly<Record<string, Json>>;
  /**
   * What it must remember to go on later where it is now. Where it counts bytes of files, they are on
   * the disk when it resolves.
   */
  getState(): CallbackState | Promise<CallbackState>;
  /**
   * The next fit goes on from this state, instead of from the beginning. Called before the
   * callback's `onTrainBegin`.
   *
   * @throws ValueError, NameError where it is no state of such a callback
   */
  setState(state: CallbackState): void | Promise<void>;
}

/** Whether a callback has a state. */
export const isStateful = (callback: Callback): callback is StatefulCallback => {
  const { getState, setState } = callback as Partial<StatefulCallback>;
  return typeof getState === "function" && typeof setState === "function";
};

/** For callbacks that remember nothing, but that a fit which goes on must have, too. */
export class Stateless {
  getState(): CallbackState {
    return {};
  }

  /** Throws a NameError where it is the state of another callback. */
  setState(state: CallbackState): void {
    readState({}, state, `${this.constructor.name} setState`);
  }
}
