// Undo and redo over immutable values.

export interface Step<Value> {
  readonly value: Value;
  /** What was done, for the eye. */
  readonly label: string;
  /** Steps of the same kind that follow each other quickly are one. */
  readonly merge: string | null;
  readonly at: number;
}

export interface History<Value> {
  readonly present: Value;
  /** The values before each step, the latest last. */
  readonly past: readonly Step<Value>[];
  /** The values after each step that was undone, the next last. */
  readonly future: readonly Step<Value>[];
}

const KEPT = 200;
const MERGED_WITHIN_MS = 1000;

export function begin<Value>(present: Value): History<Value> {
  return { present, past: [], future: [] };
}

/**
 * Do something.
 *
 * @param merge Names what may be joined with the step before: ten nudges of one keypoint are undone at once.
 * @param at Now, in milliseconds.
 */
export function record<Value>(
  history: History<Value>,
  next: Value,
  label: string,
  at: number,
  merge: string | null = null,
): History<Value> {
  if (next === history.present) return history;
  const last = history.past.at(-1);
  if (last && merge !== null && last.merge === merge && at - last.at < MERGED_WITHIN_MS && !history.future.length) {
    return { present: next, past: [...history.past.slice(0, -1), { ...last, at }], future: [] };
  }
  const step = { value: history.present, label, merge, at };
  return { present: next, past: [...history.past.slice(1 - KEPT), step], future: [] };
}

export function undo<Value>(history: History<Value>): History<Value> {
  const step = history.past.at(-1);
  if (!step) return history;
  return {
    present: step.value,
    past: history.past.slice(0, -1),
    future: [...history.future, { ...step, value: history.present }],
  };
}

export function redo<Value>(history: History<Value>): History<Value> {
  const step = history.future.at(-1);
  if (!step) return history;
  return {
    present: step.value,
    past: [...history.past, { ...step, value: history.present, merge: null }],
    future: history.future.slice(0, -1),
  };
}

/** Replace the present without a step: what came from the server is not undone. */
export function replace<Value>(history: History<Value>, present: Value): History<Value> {
  return { ...history, present };
}
