// What the skeleton says: sides, limbs, who moves with whom, and the order of the keypoints.

import type { EditorJson, SourceJson } from "./contract";

export type Side = "left" | "right" | "middle";
export type LimbKind = "arms" | "legs";

export interface Body {
  readonly names: readonly string[];
  readonly edges: readonly (readonly [number, number])[];
  readonly groups: ReadonlyMap<string, readonly number[]>;
  /** The keypoint on the other side; itself in the middle. */
  readonly mirrored: readonly number[];
  readonly sides: readonly Side[];
  /** The keypoint and all that hang on it. */
  readonly limbs: readonly (readonly number[])[];
  /** The keypoints of both arms, and of both legs. */
  readonly pairedLimbs: Readonly<Record<LimbKind, readonly number[]>>;
}

export function bodyOf(editor: EditorJson): Body {
  const names = editor.keypoint_names;
  return {
    names,
    edges: editor.edges,
    groups: new Map(Object.entries(editor.groups)),
    mirrored: names.map((_, index) => editor.flip_indices[index] ?? index),
    sides: names.map(sideOf),
    limbs: names.map((_, index) => withDescendants(index, editor.parents)),
    pairedLimbs: editor.limbs,
  };
}

function sideOf(name: string): Side {
  const found = /(^|[^a-z])(left|right|l|r)([^a-z]|$)/i.exec(name)?.[2]?.toLowerCase();
  if (!found) return "middle";
  return found.startsWith("l") ? "left" : "right";
}

function withDescendants(root: number, parents: readonly (number | null)[]): number[] {
  const found = new Set([root]);
  // Parents may come after their children: go on until nothing is added.
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    parents.forEach((parent, index) => {
      if (parent !== null && found.has(parent)) found.add(index);
    });
  }
  return [...found];
}

/** Pairs of keypoints that change places when both arms, or both legs, are swapped. */
export function limbPairs(body: Body, kind: LimbKind): [number, number][] {
  return pairsAmong(body, new Set(body.pairedLimbs[kind]));
}

export function allPairs(body: Body): [number, number][] {
  return pairsAmong(body, new Set(body.names.keys()));
}

function pairsAmong(body: Body, members: ReadonlySet<number>): [number, number][] {
  return body.mirrored.flatMap((other, index): [number, number][] =>
    index < other && members.has(index) && members.has(other) ? [[index, other]] : [],
  );
}

/** The keypoints of the groups that are shown, in the skeleton's order. */
export function shownIndices(body: Body, hidden: ReadonlySet<string>): number[] {
  const gone = new Set<number>();
  for (const [group, indices] of body.groups) if (hidden.has(group)) indices.forEach((index) => gone.add(index));
  return body.names.flatMap((_, index) => (gone.has(index) ? [] : [index]));
}

/** Most doubtful first; what nothing is known of comes last, in the skeleton's order. */
export function byDoubt(indices: readonly number[], doubts: readonly (number | null)[]): number[] {
  return [...indices].sort((a, b) => (doubts[b] ?? -1) - (doubts[a] ?? -1) || a - b);
}

/** The next one in a circle; the first (or last) where the current one is not among them. */
export function stepIn<Value>(values: readonly Value[], current: Value | null, by: number): Value | null {
  if (!values.length) return null;
  const found = current === null ? -1 : values.indexOf(current);
  if (found < 0) return values[by > 0 ? 0 : values.length - 1]!;
  return values[(found + by + values.length) % values.length]!;
}

/** Everything shown, then each group by itself, then everything again. */
export function nextHidden(groups: readonly string[], hidden: ReadonlySet<string>): string[] {
  if (groups.length < 2) return [];
  const shown = groups.filter((group) => !hidden.has(group));
  const place = shown.length === 1 ? groups.indexOf(shown[0]!) + 1 : 0;
  const only = groups[place];
  return only === undefined ? [] : groups.filter((group) => group !== only);
}

/** The groups that are not shown; another skeleton may have no others, and then all are. */
export function hiddenOf(body: Body, hidden: readonly string[]): ReadonlySet<string> {
  const all = [...body.groups.keys()].every((group) => hidden.includes(group));
  return new Set(all ? [] : hidden);
}

/** How doubtful each of a person's keypoints is; where nobody has said, what the model was not sure of. */
export function doubtsOf(source: SourceJson | null): readonly (number | null)[] {
  if (!source) return [];
  return source.keypoint_doubt ?? source.confidence.map((value) => (value === null ? null : 1 - value));
}
