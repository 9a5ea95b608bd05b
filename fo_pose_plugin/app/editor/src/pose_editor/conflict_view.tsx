import React, { useMemo } from "react";
import type { Point } from "../geometry";
import { readable } from "../keypoints";
import type { Body } from "./body";
import { boxAround, differing, savedDoc, type PersonDoc } from "./document";
import type { Conflict } from "./model";
import { OtherPerson } from "./other_people";

interface Props {
  readonly conflict: Conflict;
  readonly mine: PersonDoc;
  readonly body: Body;
  readonly imageSrc: string;
  readonly imageSize: readonly [number, number];
  readonly onMine: () => void;
  readonly onTheirs: () => void;
}

/** Someone else saved this person meanwhile: both versions side by side, and the choice. */
export function ConflictView({ conflict, mine, body, imageSrc, imageSize, onMine, onTheirs }: Props) {
  const theirs = useMemo(() => conflict.theirs && savedDoc(conflict.theirs), [conflict]);
  const others = theirs ? differing(mine, theirs) : [];
  const view = viewBox([...mine.points, ...(theirs?.points ?? [])], imageSize);
  const shown = useMemo(() => new Set(body.names.keys()), [body]);
  const picture = (doc: PersonDoc) => (
    <svg viewBox={view.join(" ")} style={{ "--px": view[3]! / 200 } as React.CSSProperties}>
      <image href={imageSrc} width={imageSize[0]} height={imageSize[1]} preserveAspectRatio="none" />
      <OtherPerson doc={doc} body={body} shown={shown} />
      {others.map((index) => {
        const point = doc.points[index];
        return point ? <circle key={index} className="fpe-differs" cx={point[0]} cy={point[1]} r={view[3]! / 40} /> : null;
      })}
    </svg>
  );
  return (
    <div className="fpe-conflict" data-cy="pose-editor-conflict" role="alertdialog" aria-label="Two versions">
      <b>Two versions of this person</b>
      <span>{conflict.why}</span>
      {others.length ? (
        <span className="fpe-soft">{`They differ in ${namesOf(others, body)}.`}</span>
      ) : theirs && theirs.rejected !== mine.rejected ? (
        <span className="fpe-soft">{theirs.rejected ? "They rejected the person." : "You rejected the person."}</span>
      ) : null}
      <div className="fpe-versions">
        <figure>
          {picture(mine)}
          <button type="button" className="fpe-primary" data-cy="pose-editor-keep-mine" onClick={onMine}>
            Keep mine
          </button>
        </figure>
        <figure>
          {theirs ? picture(theirs) : <span className="fpe-soft">deleted</span>}
          <button type="button" className="fpe-primary" data-cy="pose-editor-keep-theirs" onClick={onTheirs}>
            {theirs ? "Keep theirs" : "Let it go"}
          </button>
        </figure>
      </div>
    </div>
  );
}

function namesOf(indices: readonly number[], body: Body): string {
  const names = indices.slice(0, 4).map((index) => readable(body.names[index] ?? ""));
  return indices.length > 4 ? `${names.join(", ")} and ${indices.length - 4} more` : names.join(", ");
}

function viewBox(points: readonly (Point | null)[], [width, height]: readonly [number, number]): readonly number[] {
  const box = boxAround(points);
  if (!box) return [0, 0, width, height];
  const room = 0.2 * Math.max(box[2], box[3], 10);
  return [box[0] - room, box[1] - room, box[2] + 2 * room, box[3] + 2 * room];
}
