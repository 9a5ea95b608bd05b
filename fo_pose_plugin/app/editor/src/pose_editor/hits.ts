// What lies under the pointer, by distance: 68 points of a face leave no room for exact clicks.

import type { Point } from "../geometry";
import type { Box } from "./contract";
import type { PersonDoc } from "./document";

/** The nearest of some keypoints within reach; the chosen one wins where others are about as near. */
export function keypointAt(
  doc: PersonDoc,
  indices: readonly number[],
  at: Point,
  reach: number,
  chosen: number | null,
): number | null {
  let found: number | null = null;
  let least = reach;
  for (const index of indices) {
    const point = doc.points[index];
    if (!point) continue;
    const distance = Math.hypot(point[0] - at[0], point[1] - at[1]) * (index === chosen ? 0.6 : 1);
    if (distance <= least) [found, least] = [index, distance];
  }
  return found;
}

/** Whose skeleton is nearest within reach, points and edges. */
export function personAt(
  people: Iterable<readonly [string, PersonDoc]>,
  edges: readonly (readonly [number, number])[],
  at: Point,
  reach: number,
): string | null {
  let found: string | null = null;
  let least = reach;
  for (const [key, doc] of people) {
    let distance = Infinity;
    for (const point of doc.points) if (point) distance = Math.min(distance, Math.hypot(point[0] - at[0], point[1] - at[1]));
    for (const [a, b] of edges) {
      const [from, to] = [doc.points[a], doc.points[b]];
      if (from && to) distance = Math.min(distance, distanceToLine(at, from, to));
    }
    if (distance <= least) [found, least] = [key, distance];
  }
  return found;
}

function distanceToLine([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** A box by two opposite corners. */
export function boxBetween(a: Point, b: Point): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
}

/** The corner opposite to the one within reach; null where no corner is. */
export function oppositeCorner([x, y, width, height]: Box, at: Point, reach: number): Point | null {
  for (const [cx, cy] of [[x, y], [x + width, y], [x, y + height], [x + width, y + height]] as const) {
    if (Math.hypot(at[0] - cx, at[1] - cy) <= reach) return [2 * x + width - cx, 2 * y + height - cy];
  }
  return null;
}
