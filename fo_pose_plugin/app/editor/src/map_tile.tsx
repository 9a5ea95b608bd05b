import React, { useEffect, useRef } from "react";
import { confidenceColour } from "./colours";
import type { Heatmaps } from "./heatmaps";
import { keyOf, shortNumber, type Choice } from "./keypoints";
import { drawTile, type Backdrop } from "./tiles";

interface Props {
  readonly choice: Choice;
  /** The maps it shows the strongest of; the same array as long as they are the same. */
  readonly indices: readonly number[];
  readonly label: string;
  readonly confidence: number | null;
  readonly chosen: boolean;
  /** The value at the end of the colour scale. */
  readonly top: number;
  readonly heatmaps: Heatmaps;
  readonly backdrop: Backdrop;
  readonly onChoose: (choice: Choice) => void;
}

/** One map as a small picture. */
export const MapTile = React.memo(function MapTile(props: Props) {
  const { choice, indices, heatmaps, backdrop, top, chosen } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context) drawTile(context, backdrop, heatmaps, indices, top);
  }, [heatmaps, backdrop, indices, top]);
  useEffect(() => {
    if (chosen) button.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const [width, height] = backdrop.size;
  return (
    <button
      type="button"
      ref={button}
      className="fph-tile"
      aria-pressed={chosen}
      title={`${props.label} ${shortNumber(props.confidence)}`}
      data-cy={`pose-heatmaps-tile-${choice.kind === "keypoint" ? choice.name : keyOf(choice).replace(" ", "-")}`}
      onClick={() => props.onChoose(choice)}
    >
      <canvas ref={canvas} width={width} height={height} />
      <span className="fph-score">
        <i style={{ background: confidenceColour(props.confidence) }} />
        {shortNumber(props.confidence)}
      </span>
      <span className="fph-name">{props.label}</span>
    </button>
  );
});
