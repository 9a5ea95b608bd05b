// A sample's people while they are edited. Nothing here is ever changed in place, so that a step of the history is
// a reference, and a component redraws only who is another object.

import type { Point } from "../geometry";
import type { Box, Origin, PersonJson, Visible } from "./contract";

export interface PersonDoc {
  /** Null exactly where `visible` is 0. */
  readonly points: readonly (Point | null)[];
  readonly visible: readonly Visible[];
  readonly origin: readonly Origin[];
  readonly box: Box | null;
  readonly rejected: boolean;
  /** Whether saving takes the correction away, so that the person is to be reviewed again. */
  readonly takenBack: boolean;
}

/** By the person's key, in the order in which they are shown. */
export type People = ReadonlyMap<string, PersonDoc>;

/** Far below what can be seen, above what a float loses on the way through the database. */
const SAME_PX = 1e-4;

export function emptyPerson(count: number, box: Box | null = null): PersonDoc {
  return {
    points: Array<null>(count).fill(null),
    visible: Array<Visible>(count).fill(0),
    origin: Array<Origin>(count).fill("model"),
    box,
    rejected: false,
    takenBack: false,
  };
}

/** The prediction as a document; null for who was added by hand. */
export function sourceDoc(person: PersonJson): PersonDoc | null {
  const { source } = person;
  if (!source) return null;
  const origin = Array<Origin>(source.points_px.length).fill(source.origin);
  return made(source.points_px, source.visible, origin, source.bbox_px);
}

/** What is saved of a person: the correction, else the prediction; null for who is not saved yet. */
export function savedDoc(person: PersonJson): PersonDoc | null {
  const { corrected, source } = person;
  if (!corrected) return sourceDoc(person);
  const box = corrected.bbox_px ?? source?.bbox_px ?? null;
  const doc = made(corrected.points_px, corrected.visible, corrected.origin, box);
  return { ...doc, rejected: corrected.status === "rejected" };
}

function made(
  points: readonly (Point | null)[],
  visible: readonly Visible[],
  origin: readonly Origin[],
  box: Box | null,
): PersonDoc {
  const shown = points.map((point, index): Visible => (point ? (visible[index] ?? 2) : 0));
  return {
    // A field of another tool may hold a place for what it calls absent.
    points: points.map((point, index) => (shown[index] ? point : null)),
    visible: shown,
    origin,
    box,
    rejected: false,
    takenBack: false,
  };
}

export function samePlace(a: Point | null, b: Point | null): boolean {
  if (!a || !b) return a === b;
  return Math.abs(a[0] - b[0]) < SAME_PX && Math.abs(a[1] - b[1]) < SAME_PX;
}

export function sameBox(a: Box | null, b: Box | null): boolean {
  if (!a || !b) return a === b;
  return a.every((value, index) => Math.abs(value - b[index]!) < SAME_PX);
}

/** What a model said of a person when it ran again. */
export interface Estimated {
  readonly points: readonly (Point | null)[];
  readonly confidence: readonly (number | null)[];
}

/** How sure the model was of each keypoint: where it stands on the new estimate, as that says. */
export function confidenceOf(doc: PersonDoc, person: PersonJson, anew: Estimated | null): readonly (number | null)[] {
  const before = person.source?.confidence ?? [];
  if (!anew) return before;
  return doc.points.map((point, index) => {
    const isNew = point !== null && samePlace(point, anew.points[index] ?? null);
    return (isNew ? anew.confidence[index] : before[index]) ?? null;
  });
}

/** The keypoints that stand elsewhere, are seen otherwise or come from someone else. */
export function differing(a: PersonDoc, b: PersonDoc): number[] {
  const found: number[] = [];
  for (let index = 0; index < a.points.length; index++) {
    const same =
      samePlace(a.points[index] ?? null, b.points[index] ?? null) &&
      a.visible[index] === b.visible[index] &&
      a.origin[index] === b.origin[index];
    if (!same) found.push(index);
  }
  return found;
}

export function sameDoc(a: PersonDoc, b: PersonDoc): boolean {
  if (a === b) return true;
  return (
    a.rejected === b.rejected &&
    a.takenBack === b.takenBack &&
    sameBox(a.box, b.box) &&
    a.points.length === b.points.length &&
    differing(a, b).length === 0
  );
}

export function withPerson(people: People, key: string, doc: PersonDoc | null): People {
  const next = new Map(people);
  if (doc) next.set(key, doc);
  else next.delete(key);
  return next;
}

/** The smallest box around the points, null where there are none. */
export function boxAround(points: readonly (Point | null)[]): Box | null {
  const found = points.filter((point): point is Point => point !== null);
  if (!found.length) return null;
  const xs = found.map(([x]) => x);
  const ys = found.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

/** A new person's key, which becomes the label's id: saving the same twice cannot make two people. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
