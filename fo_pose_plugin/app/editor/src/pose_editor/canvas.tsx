import React, { useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import type { Size } from "../geometry";
import type { Evidence } from "./calls";
import { pointOf } from "./candidates";
import { ChosenPerson } from "./chosen_person";
import type { Box } from "./contract";
import type { PersonDoc } from "./document";
import { translation } from "./drag_dom";
import { HeatLayer } from "./heat_layer";
import { OtherPerson } from "./other_people";
import { usePointer, type Scene } from "./use_pointer";
import { useViewport, type ViewportControl } from "./use_viewport";

interface Props extends Omit<Scene, "imageSize" | "onDrawing"> {
  readonly imageSize: Size;
  readonly imageSrc: string;
  readonly source: PersonDoc | null;
  readonly confidence: readonly (number | null)[];
  readonly evidence: Evidence | null;
  readonly heatmap: boolean;
  readonly mirror: boolean;
  readonly names: boolean;
  readonly offer: number | null;
  readonly onImageLoad: () => void;
  readonly onImageError: () => void;
}

export interface CanvasControl extends ViewportControl {
  readonly abandon: () => boolean;
}

/** The image with everybody on it; the chosen person has handles and lies in a layer of its own. */
export const Canvas = React.forwardRef<CanvasControl, Props>(function Canvas(props, control) {
  const { imageSize, doc, body, keypoint, evidence, mode } = props;
  const frame = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const others = useRef<SVGGElement>(null);
  const chosen = useRef<SVGGElement>(null);
  const view = useViewport(frame, stage, [others, chosen], imageSize);
  const [drawn, setDrawn] = useState<Box | null>(null);
  const scene = useRef<Scene>({ ...props, onDrawing: setDrawn });
  scene.current = { ...props, onDrawing: setDrawn };
  const { abandon, ...pointer } = usePointer(chosen, view, scene);
  useImperativeHandle(control, () => ({ ...view, abandon }));

  const shown = useMemo(() => new Set(props.shown), [props.shown]);
  const point = keypoint === null ? null : (doc?.points[keypoint] ?? null);
  useEffect(() => {
    if (point) view.reveal(point);
  }, [keypoint, props.doc === null]);
  const mirrored = keypoint === null ? null : (body.mirrored[keypoint] ?? keypoint);
  const box = drawn ?? (mode === "box" ? (doc?.box ?? null) : null);
  return (
    <div className={`fpe-frame fpe-mode-${mode}${props.names ? " fpe-names" : ""}`} ref={frame} {...pointer}>
      <div className="fpe-stage" ref={stage} style={{ width: imageSize[0], height: imageSize[1] }}>
        <img
          src={props.imageSrc}
          alt=""
          draggable={false}
          onLoad={props.onImageLoad}
          onError={props.onImageError}
        />
        {evidence && keypoint !== null && props.heatmap ? (
          <HeatLayer maps={evidence.maps} index={keypoint} mirrored={false} />
        ) : null}
        {evidence && mirrored !== null && props.mirror && mirrored !== keypoint ? (
          <HeatLayer maps={evidence.maps} index={mirrored} mirrored />
        ) : null}
      </div>
      <svg className="fpe-layer">
        <g ref={others}>
          {props.others.map(([key, one]) => (
            <OtherPerson key={key} doc={one} body={body} shown={shown} />
          ))}
        </g>
      </svg>
      <svg className="fpe-layer fpe-top" data-cy="pose-editor-canvas">
        <g ref={chosen}>
          {box ? <BoxFrame box={box} /> : null}
          {doc ? (
            <ChosenPerson
              doc={doc}
              source={props.source}
              confidence={props.confidence}
              body={body}
              shown={shown}
              keypoint={keypoint}
            />
          ) : null}
          {props.candidates.map((candidate, index) => (
            <g key={index} transform={translation(pointOf(candidate))}>
              <g className={`fpe-fixed fpe-peak${props.offer === index ? " fpe-offered" : ""}`}>
                <path d="M0-6L6 0L0 6L-6 0Z" />
                <text x={9} y={4}>
                  {props.offer === index ? "S: snap here" : index + 1}
                </text>
              </g>
            </g>
          ))}
        </g>
      </svg>
    </div>
  );
});

function BoxFrame({ box: [x, y, width, height] }: { box: Box }) {
  return (
    <>
      <rect className="fpe-box" data-cy="pose-editor-drawn-box" x={x} y={y} width={width} height={height} />
      {[[x, y], [x + width, y], [x, y + height], [x + width, y + height]].map(([cx, cy], index) => (
        <g key={index} transform={translation([cx!, cy!])}>
          <rect className="fpe-fixed fpe-corner" x={-4} y={-4} width={8} height={8} />
        </g>
      ))}
    </>
  );
}
