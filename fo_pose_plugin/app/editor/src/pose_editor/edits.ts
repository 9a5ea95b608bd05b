// What a person does to a pose, as functions from one document to the next.

import type { Point, Size } from "../geometry";
import type { FixJson, Origin, Visible } from "./contract";
import type { PersonDoc } from "./document";

type Change = { readonly point?: Point | null; readonly visible?: Visible; readonly origin?: Origin };

function changed(doc: PersonDoc, changes: ReadonlyMap<number, Change>): PersonDoc {
  if (!changes.size) return doc;
  const points = [...doc.points];
  const visible = [...doc.visible];
  const origin = [...doc.origin];
  for (const [index, change] of changes) {
    if (change.point !== undefined) points[index] = change.point;
    if (change.visible !== undefined) visible[index] = change.visible;
    origin[index] = change.origin ?? "human";
  }
  // Whoever is worked on is neither out nor given up.
  return { ...doc, points, visible, origin, takenBack: false };
}

export function clampTo([width, height]: Size, [x, y]: Point): Point {
  return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
}

/** Put a keypoint somewhere; an absent one becomes visible. */
export function place(doc: PersonDoc, index: number, point: Point, imageSize: Size): PersonDoc {
  const visible = doc.visible[index] || 2;
  return changed(doc, new Map([[index, { point: clampTo(imageSize, point), visible }]]));
}

/** Move keypoints by the same way; the grabbed one stays within the image. */
export function shift(
  doc: PersonDoc,
  indices: readonly number[],
  grabbed: number,
  by: Point,
  imageSize: Size,
): PersonDoc {
  const from = doc.points[grabbed];
  if (!from) return doc;
  const to = clampTo(imageSize, [from[0] + by[0], from[1] + by[1]]);
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  if (!dx && !dy) return doc;
  const changes = new Map<number, Change>();
  for (const index of indices) {
    const point = doc.points[index];
    if (point) changes.set(index, { point: [point[0] + dx, point[1] + dy] });
  }
  return changed(doc, changes);
}

/**
 * Mark a keypoint as visible, occluded or absent.
 *
 * @param fallback Where an absent one comes back; without it the document stays as it is.
 */
export function setVisible(doc: PersonDoc, index: number, visible: Visible, fallback: Point | null): PersonDoc {
  if (doc.visible[index] === visible) return doc;
  if (visible === 0) return changed(doc, new Map([[index, { point: null, visible }]]));
  const point = doc.points[index] ?? fallback;
  return point ? changed(doc, new Map([[index, { point, visible }]])) : doc;
}

/** Take away a keypoint and all that the model was no surer of: what is cut off or hidden goes at once. */
export function removeWeaker(doc: PersonDoc, index: number, confidence: readonly (number | null)[]): PersonDoc {
  const limit = confidence[index] ?? 0;
  const changes = new Map<number, Change>();
  doc.points.forEach((point, one) => {
    if (point && (confidence[one] ?? 0) <= limit) changes.set(one, { point: null, visible: 0 });
  });
  return changed(doc, changes);
}

/** Let keypoints change places with their mirror images. */
export function swap(doc: PersonDoc, pairs: readonly (readonly [number, number])[]): PersonDoc {
  const changes = new Map<number, Change>();
  for (const [a, b] of pairs) {
    if (!doc.points[a] && !doc.points[b]) continue;
    changes.set(a, { point: doc.points[b] ?? null, visible: doc.visible[b]! });
    changes.set(b, { point: doc.points[a] ?? null, visible: doc.visible[a]! });
  }
  return changed(doc, changes);
}

/** One keypoint as it was predicted. */
export function resetPoint(doc: PersonDoc, index: number, source: PersonDoc): PersonDoc {
  const point = source.points[index] ?? null;
  return changed(doc, new Map([[index, { point, visible: source.visible[index] ?? 0, origin: source.origin[index]! }]]));
}

/** The whole person as predicted; saved without being accepted, they are to be reviewed again. */
export function resetPerson(source: PersonDoc): PersonDoc {
  return { ...source, takenBack: true };
}

export function setRejected(doc: PersonDoc, rejected: boolean): PersonDoc {
  return { ...doc, rejected, takenBack: false };
}

/** Carry out what a finding of `find_label_errors` proposes. */
export function applyFix(doc: PersonDoc, fix: FixJson): PersonDoc {
  const changes = new Map<number, Change>();
  for (const { index, x_px, y_px, visible } of fix.points) {
    if (index < 0 || index >= doc.points.length) continue;
    if (visible === 0) changes.set(index, { point: null, visible: 0 });
    else if (x_px !== null && y_px !== null) {
      changes.set(index, { point: [x_px, y_px], visible: visible ?? (doc.visible[index] || 2) });
    } else if (visible !== null && doc.points[index]) changes.set(index, { visible });
  }
  return changed(doc, changes);
}
