import React, { useMemo } from "react";
import type { Body } from "./body";
import { edgeSide } from "./chosen_person";
import type { PersonDoc } from "./document";

/** A person who is not chosen: three paths of edges and one of dots, whatever the number of keypoints. */
export const OtherPerson = React.memo(function OtherPerson(props: {
  doc: PersonDoc;
  body: Body;
  shown: ReadonlySet<number>;
}) {
  const { doc, body, shown } = props;
  const paths = useMemo(() => pathsOf(doc, body, shown), [doc, body, shown]);
  return (
    <g className={doc.rejected ? "fpe-other fpe-rejected" : "fpe-other"}>
      {["middle", "left", "right"].map((side) => (
        <path key={side} className={`fpe-edge fpe-${side}`} d={paths.edges[side] ?? ""} />
      ))}
      <path className="fpe-dots" d={paths.dots} />
    </g>
  );
});

function pathsOf(doc: PersonDoc, body: Body, shown: ReadonlySet<number>) {
  const edges: Record<string, string> = {};
  for (const [a, b] of body.edges) {
    const [from, to] = [doc.points[a], doc.points[b]];
    if (!from || !to || !shown.has(a) || !shown.has(b)) continue;
    const side = edgeSide(body, a, b);
    edges[side] = `${edges[side] ?? ""}M${from[0]} ${from[1]}L${to[0]} ${to[1]}`;
  }
  const dots = doc.points.map((point, index) => (point && shown.has(index) ? `M${point[0]} ${point[1]}h0` : "")).join("");
  return { edges, dots };
}
