// How quickly people are reviewed in this session of the browser.

/** Longer breaks are no work. */
const BREAK_MS = 60_000;

export interface Pace {
  readonly people: number;
  readonly workedMs: number;
  /** When the last person was saved, or the first sample opened. */
  readonly last: number | null;
}

export const NO_PACE: Pace = { people: 0, workedMs: 0, last: null };

/** Count people that were reviewed now. */
export function counted(pace: Pace, people: number, now: number): Pace {
  const gap = pace.last === null ? 0 : Math.min(Math.max(now - pace.last, 0), BREAK_MS);
  return { people: pace.people + people, workedMs: pace.workedMs + gap, last: now };
}

/** People per minute; null as long as there is little to go by. */
export function perMinute(pace: Pace): number | null {
  return pace.people < 2 || pace.workedMs < 1000 ? null : (60_000 * pace.people) / pace.workedMs;
}
