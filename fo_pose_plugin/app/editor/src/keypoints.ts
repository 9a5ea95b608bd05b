// Which keypoints are shown, and the way through them.

/** All keypoints, those of one group, or one. */
export type Choice =
  | { readonly kind: "all" }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "keypoint"; readonly name: string };

export interface Skeleton {
  readonly names: readonly string[];
  /** Indices by group: body, feet, face, hands. */
  readonly groups: ReadonlyMap<string, readonly number[]>;
}

export const ALL: Choice = { kind: "all" };

/** Face and hands, unless there is nothing else: 133 small pictures are too many to look at. */
export function initiallyFolded(skeleton: Skeleton): ReadonlySet<string> {
  const groups = [...skeleton.groups.keys()];
  return new Set(groups.length > 1 ? groups.filter((group) => group === "face" || group === "hands") : []);
}

export function sameChoice(a: Choice, b: Choice): boolean {
  return keyOf(a) === keyOf(b);
}

export function keyOf(choice: Choice): string {
  if (choice.kind === "all") return "all";
  return choice.kind === "group" ? `group ${choice.group}` : `keypoint ${choice.name}`;
}

/** The indices of what was chosen; everything where another skeleton has no such group or keypoint. */
export function indicesOf(skeleton: Skeleton, choice: Choice): readonly number[] {
  const all = skeleton.names.map((_, index) => index);
  if (choice.kind === "group") return skeleton.groups.get(choice.group) ?? all;
  if (choice.kind === "keypoint") {
    const index = skeleton.names.indexOf(choice.name);
    return index < 0 ? all : [index];
  }
  return all;
}

/** The choice as it applies to a skeleton. */
export function fitting(skeleton: Skeleton, choice: Choice): Choice {
  if (choice.kind === "group" && !skeleton.groups.has(choice.group)) return ALL;
  if (choice.kind === "keypoint" && !skeleton.names.includes(choice.name)) return ALL;
  return choice;
}

/** Everything that can be chosen, in the order in which it is shown; folded groups are passed over. */
export function choicesOf(skeleton: Skeleton, folded: ReadonlySet<string>): Choice[] {
  const choices: Choice[] = [ALL];
  for (const [group, indices] of skeleton.groups) {
    if (folded.has(group)) continue;
    if (skeleton.groups.size > 1) choices.push({ kind: "group", group });
    for (const index of indices) choices.push({ kind: "keypoint", name: skeleton.names[index]! });
  }
  return choices;
}

/** Go one or more steps on; at the ends it stays. */
export function step(choices: readonly Choice[], current: Choice, by: number): Choice {
  const found = choices.findIndex((choice) => sameChoice(choice, current));
  const next = Math.min(Math.max(found + by, 0), choices.length - 1);
  return choices[found < 0 ? 0 : next] ?? ALL;
}

/** A part of the body whose small pictures show the same part of the crop. */
export interface Part {
  readonly name: string;
  /** The keypoints that it holds; null for the whole crop. */
  readonly indices: readonly number[] | null;
}

/** Body keypoints are shown in the whole crop; a face, and a hand or foot of one side, by themselves. */
export function partOf(skeleton: Skeleton, group: string, indices: readonly number[]): Part {
  const members = skeleton.groups.get(group) ?? [];
  const inside = indices.every((index) => members.includes(index));
  if (!inside || group === "body") return { name: "whole", indices: null };
  const side = (index: number) => /left|right/.exec(skeleton.names[index] ?? "")?.[0] ?? "";
  const sides = new Set(indices.map(side));
  const [one] = sides;
  if (group === "face" || sides.size !== 1 || !one) return { name: group, indices: members };
  return { name: `${one} ${group}`, indices: members.filter((index) => side(index) === one) };
}

/** Names as they are read: long ones may break at the spaces. */
export function readable(name: string): string {
  return name.replaceAll("_", " ");
}

export function shortNumber(value: number | null): string {
  return value === null ? "–" : value.toFixed(2);
}
