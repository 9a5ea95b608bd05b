// What changes a person: by the mouse, and by actions.

import type { Point } from "../geometry";
import { readable } from "../keypoints";
import { allPairs, limbPairs, stepIn } from "./body";
import { nextCandidate, offerAfterDrag, pointOf } from "./candidates";
import type { Box, Visible } from "./contract";
import { boxAround, emptyPerson, newKey, type PersonDoc } from "./document";
import * as edits from "./edits";
import type { Action } from "./keys";
import type { Said, Situation } from "./situation";

/** On the screen: a drag that ends this near to a peak offers to snap. */
const SNAP_PX = 18;
const STEPS: Readonly<Partial<Record<Action, Point>>> = {
  "nudge-left": [-1, 0],
  "nudge-right": [1, 0],
  "nudge-up": [0, -1],
  "nudge-down": [0, 1],
  "far-left": [-10, 0],
  "far-right": [10, 0],
  "far-up": [0, -10],
  "far-down": [0, 10],
};
const SEEN: Readonly<Partial<Record<Action, Visible>>> = { visible: 2, occluded: 1, absent: 0 };

export interface Edits {
  readonly move: (indices: readonly number[], grabbed: number, by: Point) => void;
  readonly placeAt: (point: Point) => void;
  readonly snapTo: (candidate: number) => void;
  readonly setBox: (box: Box) => void;
  /** Carry out an action; false where it is none of these. */
  readonly act: (action: Action) => boolean;
}

export function editsOf(now: Situation, say: (said: Said | null) => void): Edits {
  const { model, tell, body, doc, person, source, imageSize, candidates } = now;
  const { keypoint, mode } = model;
  const name = keypoint === null ? "" : readable(body.names[keypoint] ?? "");

  const edit = (label: string, change: (doc: PersonDoc) => PersonDoc, merge?: string) => {
    if (!person) return;
    tell({ type: "edit", key: person.key, label, at: Date.now(), change, ...(merge ? { merge } : {}) });
  };

  const move: Edits["move"] = (indices, grabbed, by) => {
    const from = doc?.points[grabbed];
    if (!from) return;
    edit("Move", (one) => edits.shift(one, indices, grabbed, by, imageSize));
    const there = edits.clampTo(imageSize, [from[0] + by[0], from[1] + by[1]]);
    const reach = SNAP_PX / (now.canvas.current?.current().scale ?? 1);
    const offer = indices.length === 1 && grabbed === keypoint ? offerAfterDrag(candidates, there, reach) : null;
    if (offer === null) return;
    tell({ type: "offer", offer });
    say({ kind: "hint", text: `A peak of the heatmap is near: S snaps the ${name} to it.` });
  };

  const placeAt: Edits["placeAt"] = (point) => {
    if (keypoint === null) return;
    edit(`Place the ${name}`, (one) => edits.place(one, keypoint, point, imageSize));
    if (mode.kind === "add") advance();
  };

  /** To the next point of a new person; after the last one adding ends. */
  const advance = () => {
    const next = now.shown[now.shown.indexOf(keypoint ?? -1) + 1];
    if (next !== undefined) tell({ type: "choose", keypoint: next });
    else tell({ type: "end-add", at: Date.now() });
  };

  const snapTo: Edits["snapTo"] = (place) => {
    const candidate = candidates[place];
    if (!candidate || keypoint === null) return;
    edit(`Snap the ${name}`, (one) => edits.place(one, keypoint, pointOf(candidate), imageSize));
    say({ kind: "done", text: `The ${name} is at peak ${place + 1} of ${candidates.length}.` });
  };

  /** While points are placed in order, the chosen one is the next: what is seen is the one before. */
  const seeLast = (visible: Visible) => {
    const last = now.shown.slice(0, now.shown.indexOf(keypoint ?? -1)).findLast((index) => doc?.points[index]);
    if (last !== undefined) edit("See", (one) => edits.setVisible(one, last, visible, null));
  };

  const see = (visible: Visible) => {
    if (keypoint === null || !doc) return;
    if (mode.kind === "add") return visible === 0 ? advance() : seeLast(visible);
    // An absent one comes back where it was predicted.
    const fallback = source?.points[keypoint] ?? null;
    if (visible !== 0 && !doc.points[keypoint] && !fallback) {
      say({ kind: "hint", text: `Click in the image to place the ${name}.` });
      return;
    }
    edit("See", (one) => edits.setVisible(one, keypoint, visible, fallback));
  };

  const swapOf = (action: Action) => {
    const pairs = action === "swap-person" ? allPairs(body) : limbPairs(body, action === "swap-arm" ? "arms" : "legs");
    edit("Swap", (one) => edits.swap(one, pairs));
    const what = action === "swap-person" ? "left and right" : action === "swap-arm" ? "the arms" : "the legs";
    say({ kind: "done", text: `Swapped ${what}.` });
  };

  const snapNext = () => {
    const point = keypoint === null ? null : (doc?.points[keypoint] ?? null);
    const next = nextCandidate(candidates, point, now.reach, model.offer);
    if (next === null) say({ kind: "hint", text: "There is no peak to snap to: no heatmap is kept for this keypoint." });
    else snapTo(next);
  };

  const add = () => {
    tell({ type: "add", key: newKey(), at: Date.now(), doc: emptyPerson(body.names.length), guided: true });
    tell({ type: "choose", keypoint: now.shown[0] ?? null });
  };

  const drawBox = () => {
    if (mode.kind === "box") return tell({ type: "mode", mode: { kind: "edit" } });
    const around = doc && !doc.box ? boxAround(doc.points) : null;
    if (around) edit("Box", (one) => ({ ...one, box: around }));
    tell({ type: "mode", mode: { kind: "box" } });
  };

  const setBox: Edits["setBox"] = (box) => {
    if (box[2] < 2 || box[3] < 2) return;
    if (doc) return edit("Box", (one) => ({ ...one, box, takenBack: false }));
    tell({ type: "add", key: newKey(), at: Date.now(), doc: emptyPerson(body.names.length, box), guided: false });
  };

  const act = (action: Action): boolean => {
    const nudge = STEPS[action];
    const visible = SEEN[action];
    if (nudge && keypoint !== null) {
      edit("Nudge", (one) => edits.shift(one, [keypoint], keypoint, nudge, imageSize), `nudge ${keypoint}`);
    } else if (visible !== undefined) see(visible);
    else if (action === "absent-weaker" && person?.source && keypoint !== null) {
      const { confidence } = person.source;
      edit("See", (one) => edits.removeWeaker(one, keypoint, confidence));
    } else if (action === "swap-person" || action === "swap-arm" || action === "swap-leg") swapOf(action);
    else if (action === "reset-point" && source && keypoint !== null) {
      edit("Reset", (one) => edits.resetPoint(one, keypoint, source));
    } else if (action === "reset-person" && source) edit("Reset", () => edits.resetPerson(source));
    else if (action === "reject" && person && !person.source && !person.corrected) {
      tell({ type: "remove", key: person.key, at: Date.now() });
    } else if (action === "reject") edit("Reject", (one) => edits.setRejected(one, !one.rejected));
    else if (action === "fix" && person?.source?.fix) {
      const { fix } = person.source;
      edit("Fix", (one) => edits.applyFix(one, fix));
      say({ kind: "done", text: `Applied the suggested fix: ${fix.why || fix.kind}` });
    } else if (action === "snap") snapNext();
    else if (action === "add") add();
    else if (action === "box") drawBox();
    else if (action === "undo" || action === "redo") tell({ type: action });
    else if (action === "next-keypoint" || action === "previous-keypoint") {
      const next = stepIn(now.order, keypoint, action === "next-keypoint" ? 1 : -1);
      if (next !== null) tell({ type: "choose", keypoint: next });
    } else if (action === "next-person" || action === "previous-person") {
      const next = stepIn([...model.history.present.keys()], model.person, action === "next-person" ? 1 : -1);
      if (next !== null) tell({ type: "choose", person: next });
    } else return false;
    return true;
  };
  return { move, placeAt, snapTo, setBox, act };
}
