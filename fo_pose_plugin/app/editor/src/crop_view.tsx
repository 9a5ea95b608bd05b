import React, { useEffect, useRef } from "react";
import { confidenceColour, paint } from "./colours";
import { resample, type Point } from "./geometry";
import { strongest } from "./heatmaps";
import { readable, shortNumber, type Choice, type Skeleton } from "./keypoints";
import type { Person } from "./read_heatmaps";

interface Props {
  readonly person: Person;
  readonly skeleton: Skeleton;
  readonly choice: Choice;
  readonly indices: readonly number[];
  /** The value at the end of the colour scale. */
  readonly top: number;
  readonly shown: boolean;
  readonly onChoose: (choice: Choice) => void;
}

// Of the picture's height: dots keep their size whether a person is near or far.
const DOT = 1 / 110;
const DOT_AMONG_MANY = 1 / 170;
const MANY = 40;
const RING = 1 / 42;

/** The person's crop, the heatmap over it, and the keypoints. */
export function CropView({ person, skeleton, choice, indices, top, shown, onChoose }: Props) {
  const [width, height] = person.pictureSize;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { heatmaps } = person;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, width, height);
    if (!heatmaps || !shown) return;
    const values = resample(strongest(heatmaps, indices), heatmaps.size, heatmaps.toPicture, [width, height]);
    context.putImageData(new ImageData(paint(values, top), width, height), 0, 0);
  }, [heatmaps, indices, top, shown, width, height]);
  return (
    <div className="fph-crop" data-cy="pose-heatmaps-crop">
      <img src={person.picture.src} alt="The person as the model saw it" />
      <canvas ref={canvas} width={width} height={height} />
      <svg viewBox={`-0.5 -0.5 ${width} ${height}`} preserveAspectRatio="xMidYMin meet">
        {lastOnTop(person.points.length, indices).map((index) => {
          const point = person.points[index];
          return point ? (
            <Dot
              key={index}
              point={point}
              name={skeleton.names[index] ?? ""}
              confidence={person.confidence[index] ?? null}
              height={height}
              size={person.points.length > MANY ? DOT_AMONG_MANY : DOT}
              mark={markOf(choice, indices.includes(index))}
              onChoose={onChoose}
            />
          ) : null;
        })}
      </svg>
    </div>
  );
}

function lastOnTop(count: number, chosen: readonly number[]): number[] {
  const others = Array.from({ length: count }, (_, index) => index).filter((index) => !chosen.includes(index));
  return [...others, ...chosen];
}

type Mark = "dot" | "faint" | "ring";

function markOf(choice: Choice, chosen: boolean): Mark {
  if (!chosen) return "faint";
  return choice.kind === "keypoint" ? "ring" : "dot";
}

const Dot = React.memo(function Dot(props: {
  point: Point;
  name: string;
  confidence: number | null;
  height: number;
  size: number;
  mark: Mark;
  onChoose: (choice: Choice) => void;
}) {
  const [x, y] = props.point;
  const radius = props.height * (props.mark === "ring" ? RING : props.size);
  return (
    <g
      className={`fph-${props.mark}`}
      data-keypoint={props.name}
      onClick={() => props.onChoose({ kind: "keypoint", name: props.name })}
    >
      <title>{`${readable(props.name)} ${shortNumber(props.confidence)}`}</title>
      {props.mark === "ring" ? <circle className="fph-halo" cx={x} cy={y} r={radius} /> : null}
      <circle
        cx={x}
        cy={y}
        r={radius}
        {...{ [props.mark === "ring" ? "stroke" : "fill"]: confidenceColour(props.confidence) }}
      />
      {props.mark === "ring" ? <circle className="fph-centre" cx={x} cy={y} r={props.height / 300} /> : null}
    </g>
  );
});
