// From one sample of a queue to the next, in the queue's order.

export interface Step {
  id: string;
  hasNext: boolean;
  hasPrevious: boolean;
}

/** What the App's modal asks for its arrows and keys. */
export interface Steps {
  next: (offset?: number) => Promise<Step>;
  previous: (offset?: number) => Promise<Step>;
  /** A neighbour's data, to be loaded ahead; the App does without where there is none. */
  peek: (offset: number) => Promise<null>;
}

/** Walk along ids, beginning at the first; beyond either end it stays where it is. */
export function stepsAlong(ids: readonly string[]): Steps & { first: Step | null } {
  let place = 0;
  const at = (index: number): Step => ({
    id: ids[index] ?? "",
    hasNext: index + 1 < ids.length,
    hasPrevious: index > 0,
  });
  const go = async (offset: number): Promise<Step> => {
    place = Math.min(Math.max(place + offset, 0), ids.length - 1);
    return at(place);
  };
  return {
    first: ids.length ? at(0) : null,
    next: (offset = 1) => go(offset),
    previous: (offset = 1) => go(-offset),
    peek: async () => null,
  };
}
