import React, { useEffect, useRef } from "react";
import { shortNumber } from "../keypoints";
import type { PersonJson } from "./contract";
import type { Status } from "./saving";

export interface Chip {
  readonly key: string;
  readonly person: PersonJson;
  readonly status: Status;
}

interface Props {
  readonly chips: readonly Chip[];
  readonly chosen: string | null;
  readonly onChoose: (key: string) => void;
}

/** The sample's people in a row, each with how far their review is. */
export function PeopleChips({ chips, chosen, onChoose }: Props) {
  const current = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    current.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  return (
    <div className="fpe-people">
      {chips.map(({ key, person, status }, index) => (
        <button
          type="button"
          key={key}
          ref={key === chosen ? current : null}
          className="fpe-person"
          data-cy={`pose-editor-person-${index}`}
          data-status={status}
          aria-pressed={key === chosen}
          title={titleOf(index, person, status)}
          onClick={() => onChoose(key)}
        >
          <b>{index + 1}</b>
          <span>{status}</span>
        </button>
      ))}
    </div>
  );
}

function titleOf(index: number, { source, corrected }: PersonJson, status: Status): string {
  const parts = [`Person ${index + 1}: ${status}`];
  if (source?.score != null) parts.push(`score ${shortNumber(source.score)}`);
  if (source?.doubt != null) parts.push(`doubt ${shortNumber(source.doubt)}`);
  if (corrected?.edited_by) parts.push(`by ${corrected.edited_by}`);
  if (source?.why) parts.push(source.why);
  return parts.join(", ");
}
