import React, { useEffect, useRef } from "react";
import { confidenceColour } from "../colours";
import { readable, shortNumber } from "../keypoints";
import type { Body } from "./body";
import type { PersonJson } from "./contract";
import type { PersonDoc } from "./document";

interface Props {
  readonly body: Body;
  readonly doc: PersonDoc;
  readonly person: PersonJson;
  readonly confidence: readonly (number | null)[];
  readonly keypoint: number | null;
  readonly folded: ReadonlySet<string>;
  readonly hidden: ReadonlySet<string>;
  readonly onChoose: (index: number) => void;
  readonly onFold: (group: string) => void;
  readonly onHide: (group: string) => void;
}

const SEEN = ["absent", "occluded", "visible"] as const;
const SIGNS = ["–", "○", "●"] as const;
/** From here on a doubt is worth a look. */
const DOUBTFUL = 0.5;

/** All keypoints by group: how each is seen, how sure the model was, what is doubtful. */
export const KeypointList = React.memo(function KeypointList(props: Props) {
  const { body, doc, person, keypoint } = props;
  const doubts = person.source?.keypoint_doubt ?? null;
  return (
    <div className="fpe-list" data-cy="pose-editor-keypoints">
      {[...body.groups].map(([group, indices]) => {
        const folded = props.folded.has(group);
        const hidden = props.hidden.has(group);
        return (
          <section key={group}>
            <div className="fpe-group">
              <button type="button" aria-expanded={!folded} onClick={() => props.onFold(group)}>
                <span className="fph-caret" aria-hidden="true" />
                <b>{group}</b>
                <span>{summary(indices, doc)}</span>
              </button>
              <button
                type="button"
                className="fpe-eye"
                aria-pressed={!hidden}
                data-cy={`pose-editor-group-${group}`}
                title={hidden ? `Show ${group}` : `Hide ${group}`}
                onClick={() => props.onHide(group)}
              >
                {hidden ? "hidden" : "shown"}
              </button>
            </div>
            {folded
              ? null
              : indices.map((index) => (
                  <Row
                    key={index}
                    index={index}
                    name={body.names[index] ?? ""}
                    visible={doc.visible[index] ?? 0}
                    human={doc.origin[index] === "human"}
                    confidence={props.confidence[index] ?? null}
                    doubt={doubts?.[index] ?? null}
                    chosen={index === keypoint}
                    onChoose={props.onChoose}
                  />
                ))}
          </section>
        );
      })}
    </div>
  );
});

function summary(indices: readonly number[], doc: PersonDoc): string {
  const absent = indices.filter((index) => !doc.points[index]).length;
  return absent ? `${indices.length}, ${absent} absent` : `${indices.length}`;
}

const Row = React.memo(function Row(props: {
  index: number;
  name: string;
  visible: 0 | 1 | 2;
  human: boolean;
  confidence: number | null;
  doubt: number | null;
  chosen: boolean;
  onChoose: (index: number) => void;
}) {
  const { index, name, visible, human, confidence, doubt, chosen } = props;
  const row = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const colour = human ? "var(--fpe-human)" : confidenceColour(confidence);
  return (
    <button
      type="button"
      ref={row}
      className="fpe-row"
      data-row={name}
      data-visible={visible}
      aria-pressed={chosen}
      title={`${readable(name)}: ${SEEN[visible]}${human ? ", placed by a person" : ""}`}
      onClick={() => props.onChoose(index)}
    >
      <i style={{ color: colour }}>{SIGNS[visible]}</i>
      <span>{readable(name)}</span>
      {doubt !== null && doubt >= DOUBTFUL ? <em title="doubt">{`? ${shortNumber(doubt)}`}</em> : null}
    </button>
  );
});
