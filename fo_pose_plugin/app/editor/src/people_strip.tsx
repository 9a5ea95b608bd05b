import React, { useEffect, useRef } from "react";
import { shortNumber } from "./keypoints";
import type { PersonOutline } from "./read_heatmaps";

interface Props {
  readonly people: readonly PersonOutline[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

/** The sample's people in a row. */
export function PeopleStrip({ people, chosen, onChoose }: Props) {
  const current = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    current.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  return (
    <div className="fph-people">
      <div className="fph-turn">
        <button type="button" aria-label="Previous person" disabled={chosen <= 0} onClick={() => onChoose(chosen - 1)}>
          ‹
        </button>
        <span data-cy="pose-heatmaps-count">{`${chosen + 1} of ${people.length}`}</span>
        <button
          type="button"
          aria-label="Next person"
          disabled={chosen >= people.length - 1}
          onClick={() => onChoose(chosen + 1)}
        >
          ›
        </button>
      </div>
      <div className="fph-strip">
        {people.map((person, index) => (
          <button
            type="button"
            key={person.label_id}
            ref={index === chosen ? current : null}
            className="fph-person"
            aria-pressed={index === chosen}
            aria-label={`Person ${index + 1}, score ${shortNumber(person.score)}`}
            onClick={() => onChoose(index)}
          >
            {person.thumbnail ? <img src={person.thumbnail} alt="" /> : <span className="fph-nobody">{index + 1}</span>}
            <span>{shortNumber(person.score)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
