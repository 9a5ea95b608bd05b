import React from "react";
import { confidenceGradient } from "../colours";
import { readable, shortNumber } from "../keypoints";
import type { Candidate, PersonJson } from "./contract";
import type { PersonDoc } from "./document";
import type { Action } from "./keys";
import { keyOf } from "./keys";

interface Props {
  readonly name: string | null;
  readonly index: number | null;
  readonly doc: PersonDoc;
  readonly person: PersonJson;
  readonly confidence: number | null;
  readonly candidates: readonly Candidate[];
  /** The peak that the keypoint stands on. */
  readonly current: number | null;
  readonly offer: number | null;
  readonly evidenceText: string | null;
  readonly canEdit: boolean;
  readonly onAct: (action: Action) => void;
  readonly onSnap: (candidate: number) => void;
}

const SEEN = [
  { action: "visible", label: "visible", value: 2 },
  { action: "occluded", label: "occluded", value: 1 },
  { action: "absent", label: "absent", value: 0 },
] as const;

/** The chosen keypoint: how it is seen, what the model thought, and where else it may be. */
export function KeypointBar(props: Props) {
  const { name, index, doc, person, candidates, offer } = props;
  if (name === null || index === null) return <div className="fpe-keypoint fpe-soft">Tab chooses a keypoint</div>;
  const { source } = person;
  const point = doc.points[index];
  const doubt = source?.keypoint_doubt?.[index] ?? null;
  return (
    <>
      <div className="fpe-keypoint" data-cy="pose-editor-keypoint">
        <b>{readable(name)}</b>
        <span className="fpe-choice">
          {SEEN.map(({ action, label, value }) => (
            <button
              type="button"
              key={action}
              data-cy={`pose-editor-${action}`}
              aria-pressed={doc.visible[index] === value}
              disabled={!props.canEdit}
              title={`${label} (${keyOf(action)})`}
              onClick={() => props.onAct(action)}
            >
              {label}
            </button>
          ))}
        </span>
        <span className="fpe-soft">
          {point ? `${point[0].toFixed(1)}, ${point[1].toFixed(1)}` : "click in the image to place it"}
        </span>
        {source || props.confidence !== null ? (
          <span className="fpe-soft">{`score ${shortNumber(props.confidence)}`}</span>
        ) : null}
        {doubt === null ? null : <span className="fpe-soft">{`doubt ${shortNumber(doubt)}`}</span>}
      </div>
      <div className="fpe-keypoint fpe-peaks" data-cy="pose-editor-candidates">
        <span className="fpe-soft" title="Where else the heatmap has a peak; S goes through them">
          peaks
        </span>
        {candidates.map((candidate, place) => (
          <button
            type="button"
            key={place}
            data-candidate={place}
            data-x={candidate.x_px}
            data-y={candidate.y_px}
            aria-pressed={props.current === place}
            className={offer === place ? "fpe-offered" : ""}
            disabled={!props.canEdit}
            title={`Peak ${place + 1}: value ${shortNumber(candidate.value)}, as a share of the highest (S goes through them)`}
            onClick={() => props.onSnap(place)}
          >
            {`${place + 1} · ${Math.round(100 * candidate.share)} %`}
          </button>
        ))}
        {props.evidenceText ? (
          <span className="fpe-soft" title={props.evidenceText}>
            {props.evidenceText}
          </span>
        ) : null}
      </div>
    </>
  );
}

/** What colours and shapes mean. */
export function EditorLegend() {
  return (
    <div className="fpe-legend" data-cy="pose-editor-legend">
      <span>
        <i className="fpe-swatch fpe-left" />
        left
      </span>
      <span>
        <i className="fpe-swatch fpe-right" />
        right
      </span>
      <span className="fpe-scale">
        score 0
        <i style={{ backgroundImage: confidenceGradient() }} />1
      </span>
      <span>
        <i className="fpe-dot fpe-dot-human" />
        placed by hand
      </span>
      <span>
        <i className="fpe-dot fpe-dot-hollow" />
        occluded
      </span>
      <span>
        <i className="fpe-dot fpe-dot-ghost" />
        predicted
      </span>
    </div>
  );
}
