import React, { useMemo } from "react";
import { highestPeak, type Heatmaps } from "./heatmaps";
import { ALL, keyOf, readable, sameChoice, shortNumber, type Choice, type Skeleton } from "./keypoints";
import { MapTile } from "./map_tile";
import type { Person } from "./read_heatmaps";
import { Backdrops } from "./tiles";

interface Props {
  readonly person: Person;
  readonly heatmaps: Heatmaps;
  readonly skeleton: Skeleton;
  readonly choice: Choice;
  readonly folded: ReadonlySet<string>;
  /** Whether each map is stretched to its own peak. */
  readonly ownScale: boolean;
  readonly onChoose: (choice: Choice) => void;
  readonly onFold: (group: string) => void;
}

interface Entry {
  readonly choice: Choice;
  readonly indices: readonly number[];
  readonly label: string;
}

/** All maps as small pictures, group by group. */
export function MapGrid({ person, heatmaps, skeleton, choice, folded, ownScale, onChoose, onFold }: Props) {
  const backdrops = useMemo(() => new Backdrops(person, skeleton), [person, skeleton]);
  const sections = useMemo(() => entriesOf(skeleton), [skeleton]);
  const scoreOf = (indices: readonly number[]) => meanOf(indices.map((index) => person.confidence[index] ?? null));
  return (
    <div className="fph-maps" data-cy="pose-heatmaps-maps">
      {sections.map(({ group, indices, entries }) => (
        <section key={group}>
          <button
            type="button"
            className="fph-group"
            aria-expanded={!folded.has(group)}
            data-cy={`pose-heatmaps-group-${group}`}
            onClick={() => onFold(group)}
          >
            <span className="fph-caret" aria-hidden="true" />
            <span className="fph-group-name">{group}</span>
            <span>{`${indices.length} keypoints, mean score ${shortNumber(scoreOf(indices))}`}</span>
          </button>
          {folded.has(group) ? null : (
            <div className="fph-tiles">
              {entries.map((entry) => (
                <MapTile
                  key={keyOf(entry.choice)}
                  {...entry}
                  confidence={scoreOf(entry.indices)}
                  chosen={sameChoice(entry.choice, choice)}
                  top={ownScale ? highestPeak(heatmaps, entry.indices) : heatmaps.scaleMax}
                  heatmaps={heatmaps}
                  backdrop={backdrops.of(group, entry.indices)}
                  onChoose={onChoose}
                />
              ))}
            </div>
          )}
        </section>
      ))}
    </div>
  );
}

function entriesOf(skeleton: Skeleton): { group: string; indices: readonly number[]; entries: Entry[] }[] {
  return [...skeleton.groups].map(([group, indices], place) => {
    const entries: Entry[] = [];
    if (place === 0) {
      entries.push({ choice: ALL, indices: skeleton.names.map((_, index) => index), label: "all keypoints" });
    }
    if (skeleton.groups.size > 1) entries.push({ choice: { kind: "group", group }, indices, label: `all of ${group}` });
    for (const index of indices) {
      const name = skeleton.names[index]!;
      entries.push({ choice: { kind: "keypoint", name }, indices: [index], label: readable(name) });
    }
    return { group, indices, entries };
  });
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}
