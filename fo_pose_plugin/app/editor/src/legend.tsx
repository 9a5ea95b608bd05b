import React from "react";
import { confidenceGradient, heatGradient } from "./colours";

interface Props {
  /** The value at the end of the heat scale; null where there are no heatmaps. */
  readonly top: number | null;
  readonly ownScale: boolean;
  readonly shown: boolean;
  readonly onOwnScale: (own: boolean) => void;
  readonly onShown: (shown: boolean) => void;
}

/** What the colours mean, and the choices that change them. */
export function Legend({ top, ownScale, shown, onOwnScale, onShown }: Props) {
  return (
    <div className="fph-legend">
      {top === null ? null : <Scale label="heatmap" gradient={heatGradient()} end={top} />}
      <Scale label="keypoint score" gradient={confidenceGradient()} end={1} />
      {top === null ? null : (
        <>
          <label title="Stretch the colours to the highest value of what is shown, so that faint maps are seen">
            <input type="checkbox" checked={ownScale} onChange={(event) => onOwnScale(event.target.checked)} />
            stretch to the peak
          </label>
          <label>
            <input type="checkbox" checked={shown} onChange={(event) => onShown(event.target.checked)} />
            show over the crop
          </label>
        </>
      )}
    </div>
  );
}

function Scale(props: { label: string; gradient: string; end: number }) {
  return (
    <div className="fph-scale">
      <span>{props.label}</span>
      <span>0</span>
      <i style={{ backgroundImage: props.gradient }} />
      <span>{props.end >= 10 ? Math.round(props.end) : Number(props.end.toFixed(2))}</span>
    </div>
  );
}
