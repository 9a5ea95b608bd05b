import React from "react";
import { confidenceColour } from "../colours";
import { readable } from "../keypoints";
import type { Point } from "../geometry";
import type { Body } from "./body";
import type { Origin, Visible } from "./contract";
import { samePlace, type PersonDoc } from "./document";
import { translation } from "./drag_dom";

interface Props {
  readonly doc: PersonDoc;
  /** The prediction; null for who was added. */
  readonly source: PersonDoc | null;
  readonly confidence: readonly (number | null)[];
  readonly body: Body;
  readonly shown: ReadonlySet<number>;
  readonly keypoint: number | null;
  readonly children?: React.ReactNode;
}

const MANY = 40;

/** The chosen person: edges, ghosts of what was predicted elsewhere, and a handle for each keypoint. */
export const ChosenPerson = React.memo(function ChosenPerson(props: Props) {
  const { doc, source, body, shown, keypoint } = props;
  const small = body.names.length > MANY;
  const order = body.names.map((_, index) => index).filter((index) => index !== keypoint);
  if (keypoint !== null && keypoint < body.names.length) order.push(keypoint);
  return (
    <g className={doc.rejected ? "fpe-rejected" : ""}>
      {source ? <Ghosts doc={doc} source={source} body={body} shown={shown} /> : null}
      {body.edges.map(([a, b]) => {
        const [from, to] = [doc.points[a], doc.points[b]];
        return from && to && shown.has(a) && shown.has(b) ? (
          <Edge key={`${a}-${b}`} a={a} b={b} x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} side={edgeSide(body, a, b)} />
        ) : null;
      })}
      {props.children}
      {order.map((index) =>
        shown.has(index) ? (
          <Handle
            key={index}
            index={index}
            name={body.names[index]!}
            x={doc.points[index]?.[0] ?? null}
            y={doc.points[index]?.[1] ?? null}
            visible={doc.visible[index] ?? 0}
            origin={doc.origin[index] ?? "model"}
            confidence={props.confidence[index] ?? null}
            chosen={index === keypoint}
            small={small && !isLarge(body, index)}
          />
        ) : null,
      )}
    </g>
  );
});

/** Faces and hands are crowded; bodies and feet are not. */
function isLarge(body: Body, index: number): boolean {
  return ["body", "feet"].some((group) => body.groups.get(group)?.includes(index));
}

export function edgeSide(body: Body, a: number, b: number): string {
  const [one, other] = [body.sides[a], body.sides[b]];
  if (one === other) return one ?? "middle";
  if (one === "middle") return other ?? "middle";
  return other === "middle" ? (one ?? "middle") : "middle";
}

const Edge = React.memo(function Edge(props: {
  a: number;
  b: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  side: string;
}) {
  const { a, b, side, ...ends } = props;
  return <line className={`fpe-edge fpe-${side}`} data-a={a} data-b={b} {...ends} />;
});

const Handle = React.memo(function Handle(props: {
  index: number;
  name: string;
  x: number | null;
  y: number | null;
  visible: Visible;
  origin: Origin;
  confidence: number | null;
  chosen: boolean;
  small: boolean;
}) {
  const { index, name, x, y, visible, chosen } = props;
  const common = { "data-keypoint": name, "data-visible": visible, "data-index": index };
  // An absent keypoint has no place, but the page tells that it is absent.
  if (x === null || y === null) return <g {...common} />;
  const radius = props.small ? 3 : 5;
  const colour = props.origin === "human" ? "var(--fpe-human)" : confidenceColour(props.confidence);
  const hollow = visible === 1;
  return (
    <g
      {...common}
      data-x={x}
      data-y={y}
      data-origin={props.origin}
      className={`fpe-handle${chosen ? " fpe-on" : ""}`}
      transform={translation([x, y])}
    >
      <g className={props.small ? "fpe-fixed fpe-small" : "fpe-fixed"}>
        {chosen ? <circle className="fpe-ring" r={radius + 6} /> : null}
        <circle className="fpe-rim" r={radius + 1.25} />
        <circle
          r={hollow ? radius - 0.75 : radius}
          fill={hollow ? "#000" : colour}
          stroke={hollow ? colour : "none"}
          strokeWidth={hollow ? 2 : 0}
        />
      </g>
      <text className="fpe-fixed" x={radius + 6} y={-6}>
        {readable(name)}
      </text>
    </g>
  );
});

function Ghosts(props: { doc: PersonDoc; source: PersonDoc; body: Body; shown: ReadonlySet<number> }) {
  const { doc, source, body, shown } = props;
  return (
    <>
      {body.names.map((_, index) => {
        const [from, to] = [source.points[index], doc.points[index] ?? null];
        if (!from || !shown.has(index) || samePlace(from, to)) return null;
        return <Ghost key={index} index={index} from={from} to={to} />;
      })}
    </>
  );
}

function Ghost({ index, from, to }: { index: number; from: Point; to: Point | null }) {
  return (
    <>
      {to ? (
        <line className="fpe-ghost-line" data-ghost={index} x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} />
      ) : null}
      <g transform={translation(from)}>
        <circle className="fpe-ghost fpe-fixed" r={4} />
      </g>
    </>
  );
}
