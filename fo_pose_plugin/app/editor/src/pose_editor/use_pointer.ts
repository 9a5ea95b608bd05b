// The mouse on the canvas: drag keypoints and limbs, choose, place, pan, draw a box.

import { useRef, type PointerEvent, type RefObject } from "react";
import type { Point, Size } from "../geometry";
import { pointOf } from "./candidates";
import type { Body } from "./body";
import type { Box, Candidate } from "./contract";
import type { PersonDoc } from "./document";
import { DragDom } from "./drag_dom";
import { boxBetween, keypointAt, oppositeCorner, personAt } from "./hits";
import { clampTo } from "./edits";
import type { ViewportControl } from "./use_viewport";

const REACH_PX = 12;
/** Beside a keypoint that is to be placed, others are grabbed from nearby only. */
const PLACING_REACH_PX = 5;
const PERSON_REACH_PX = 9;
/** A pointer that moved less has clicked. */
const CLICK_PX = 3;

/** What the pointer needs to know, as it is now. */
export interface Scene {
  readonly doc: PersonDoc | null;
  readonly others: readonly (readonly [string, PersonDoc])[];
  readonly body: Body;
  readonly shown: readonly number[];
  readonly keypoint: number | null;
  readonly candidates: readonly Candidate[];
  readonly imageSize: Size;
  readonly mode: "edit" | "add" | "box";
  readonly canEdit: boolean;
  readonly onChoose: (keypoint: number) => void;
  readonly onChoosePerson: (key: string, keypoint: number | null) => void;
  /** Keypoints were dragged; `grabbed` is under the pointer. */
  readonly onMove: (indices: readonly number[], grabbed: number, by: Point) => void;
  readonly onPlace: (point: Point) => void;
  readonly onSnap: (candidate: number) => void;
  /** A box was drawn; null while it is drawn no more. */
  readonly onBox: (box: Box) => void;
  readonly onDrawing: (box: Box | null) => void;
}

type Drag =
  | { kind: "points"; indices: readonly number[]; grabbed: number; dom: DragDom | null; by: Point }
  | { kind: "pan"; last: Point }
  | { kind: "box"; corner: Point; box: Box | null };

interface Held {
  readonly drag: Drag;
  readonly start: Point;
  readonly from: Point;
  moved: boolean;
  latest: Point;
  frame: number;
}

export function usePointer(drawing: RefObject<SVGGElement>, view: ViewportControl, scene: RefObject<Scene>) {
  const held = useRef<Held | null>(null);
  const hovered = useRef<Element | null>(null);

  const begin = (event: PointerEvent): Drag => {
    const { doc, shown, keypoint, mode, canEdit, body } = scene.current!;
    const at = view.imageAt(event.clientX, event.clientY);
    const reach = REACH_PX / view.current().scale;
    if (event.button === 0 && mode === "box" && canEdit) {
      const corner = doc?.box ? oppositeCorner(doc.box, at, reach) : null;
      return { kind: "box", corner: corner ?? at, box: null };
    }
    const placing = doc !== null && keypoint !== null && !doc.points[keypoint];
    const near = placing ? PLACING_REACH_PX / view.current().scale : reach;
    const grabbed = doc && event.button === 0 ? keypointAt(doc, shown, at, near, keypoint) : null;
    if (grabbed === null || mode === "box") return { kind: "pan", last: [event.clientX, event.clientY] };
    // While points are placed in order, a click places the next one, also upon another.
    if (mode !== "add") scene.current!.onChoose(grabbed);
    if (!canEdit) return { kind: "pan", last: [event.clientX, event.clientY] };
    const limb = event.shiftKey || event.altKey;
    return { kind: "points", indices: limb ? body.limbs[grabbed]! : [grabbed], grabbed, dom: null, by: [0, 0] };
  };

  const follow = (now: Held) => {
    now.frame = 0;
    const { drag, latest } = now;
    const { doc, imageSize } = scene.current!;
    if (drag.kind === "pan") {
      view.panBy([latest[0] - drag.last[0], latest[1] - drag.last[1]]);
      drag.last = latest;
    } else if (drag.kind === "box") {
      const to = clampTo(imageSize, view.imageAt(...latest));
      drag.box = boxBetween(clampTo(imageSize, drag.corner), to);
      scene.current!.onDrawing(drag.box);
    } else if (doc && drawing.current) {
      drag.dom ??= new DragDom(drawing.current, doc, drag.indices);
      const from = doc.points[drag.grabbed]!;
      const scale = view.current().scale;
      const to = clampTo(imageSize, [
        from[0] + (latest[0] - now.start[0]) / scale,
        from[1] + (latest[1] - now.start[1]) / scale,
      ]);
      drag.by = [to[0] - from[0], to[1] - from[1]];
      drag.dom.move(drag.by);
    }
  };

  const click = ({ from, drag }: Held) => {
    const { doc, others, body, keypoint, candidates, canEdit, mode, onPlace, onSnap, onChoosePerson } = scene.current!;
    if (mode === "add" && canEdit && insideImage(from, scene.current!.imageSize)) return onPlace(from);
    if (drag.kind !== "pan") return;
    const scale = view.current().scale;
    const peak = candidates.findIndex((one) => {
      const [x, y] = pointOf(one);
      return Math.hypot(x - from[0], y - from[1]) <= PERSON_REACH_PX / scale;
    });
    const absent = doc !== null && keypoint !== null && !doc.points[keypoint];
    if (peak >= 0 && canEdit) return onSnap(peak);
    if (absent && canEdit && insideImage(from, scene.current!.imageSize)) return onPlace(from);
    const key = personAt(others, body.edges, from, PERSON_REACH_PX / scale);
    const person = others.find(([one]) => one === key)?.[1];
    if (key !== null && person) {
      onChoosePerson(key, keypointAt(person, scene.current!.shown, from, REACH_PX / scale, null));
    }
  };

  const show = (handle: Element | null) => {
    if (handle === hovered.current) return;
    hovered.current?.removeAttribute("data-hover");
    handle?.setAttribute("data-hover", "");
    hovered.current = handle;
  };

  const hover = (clientX: number, clientY: number) => {
    const { doc, shown, keypoint } = scene.current!;
    const reach = REACH_PX / view.current().scale;
    const found = doc && keypointAt(doc, shown, view.imageAt(clientX, clientY), reach, keypoint);
    show(found === null ? null : (drawing.current?.querySelector(`[data-index="${found}"]`) ?? null));
  };

  const finish = (now: Held) => {
    if (now.frame) cancelAnimationFrame(now.frame);
    held.current = null;
    show(null);
    const { drag } = now;
    if (!now.moved) click(now);
    else {
      follow(now);
      if (drag.kind === "points") scene.current!.onMove(drag.indices, drag.grabbed, drag.by);
      if (drag.kind === "box" && drag.box) scene.current!.onBox(drag.box);
    }
    if (drag.kind === "box") scene.current!.onDrawing(null);
  };

  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button > 1 || held.current) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const start: Point = [event.clientX, event.clientY];
      const from = view.imageAt(...start);
      held.current = { drag: begin(event), start, from, moved: false, latest: start, frame: 0 };
    },
    onPointerMove: (event: PointerEvent) => {
      const now = held.current;
      if (!now) return hover(event.clientX, event.clientY);
      now.latest = [event.clientX, event.clientY];
      now.moved ||= Math.hypot(now.latest[0] - now.start[0], now.latest[1] - now.start[1]) >= CLICK_PX;
      if (now.moved && !now.frame) now.frame = requestAnimationFrame(() => follow(now));
    },
    onPointerUp: (event: PointerEvent) => {
      const now = held.current;
      if (!now) return;
      now.latest = [event.clientX, event.clientY];
      finish(now);
    },
    onPointerLeave: () => show(null),
    onPointerCancel: () => {
      const now = held.current;
      if (now) finish(now);
    },
    /** Let go of what is dragged as if it had not been; false where nothing is. */
    abandon: (): boolean => {
      const now = held.current;
      if (!now) return false;
      if (now.frame) cancelAnimationFrame(now.frame);
      if (now.drag.kind === "points") now.drag.dom?.move([0, 0]);
      if (now.drag.kind === "box") scene.current!.onDrawing(null);
      held.current = null;
      return true;
    },
  };
}

function insideImage([x, y]: Point, [width, height]: Size): boolean {
  return x >= 0 && y >= 0 && x <= width && y <= height;
}
