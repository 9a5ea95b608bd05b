// The peaks of a keypoint's heatmap as places where it may belong.

import type { Affine, Point } from "../geometry";
import type { Candidate } from "./contract";

/** Of a heatmap's pixel: a decoded keypoint lies this near to its peak. */
const AT_PEAK = 0.8;

export function pointOf(candidate: Candidate): Point {
  return [candidate.x_px, candidate.y_px];
}

/** How near to a peak a keypoint counts as standing on it, in image pixels. */
export function reachOf(toImage: Affine): number {
  return AT_PEAK * Math.max(Math.abs(toImage[0][0]), Math.abs(toImage[1][1]));
}

/** The nearest candidate within reach; null where there is none. */
export function nearest(candidates: readonly Candidate[], point: Point, reachPx: number): number | null {
  let found: number | null = null;
  let least = reachPx;
  candidates.forEach((candidate, index) => {
    const distance = Math.hypot(candidate.x_px - point[0], candidate.y_px - point[1]);
    if (distance <= least) [found, least] = [index, distance];
  });
  return found;
}

/**
 * The candidate that comes next.
 *
 * @param point Where the keypoint is; null where it is absent.
 * @param offered The one that a drag ended near to: it comes first.
 */
export function nextCandidate(
  candidates: readonly Candidate[],
  point: Point | null,
  reachPx: number,
  offered: number | null,
): number | null {
  if (!candidates.length) return null;
  if (offered !== null && offered < candidates.length) return offered;
  const current = point && nearest(candidates, point, reachPx);
  return current === null ? 0 : (current + 1) % candidates.length;
}

/** What a drag that ended here offers: a peak nearby that the keypoint does not stand on yet. */
export function offerAfterDrag(candidates: readonly Candidate[], point: Point, reachPx: number): number | null {
  const found = nearest(candidates, point, reachPx);
  if (found === null) return null;
  const { x_px, y_px } = candidates[found]!;
  return Math.hypot(x_px - point[0], y_px - point[1]) < 0.05 ? null : found;
}
