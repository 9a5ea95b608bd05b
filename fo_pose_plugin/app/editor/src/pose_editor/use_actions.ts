// What keys and buttons do, and when they cannot.

import { useState } from "react";
import type { EditorJson, ProgressJson } from "./contract";
import { nextHidden } from "./body";
import { boxAround } from "./document";
import type { Action } from "./keys";
import type { Said, Situation } from "./situation";
import { editsOf, type Edits } from "./use_edits";
import { useReestimate } from "./use_reestimate";
import { useReview } from "./use_review";

export interface Actions extends Omit<Edits, "act"> {
  readonly act: (action: Action) => void;
  readonly escape: () => boolean;
  /** Why an action cannot be done; null where it can. */
  readonly whyNot: (action: Action) => string | null;
  /** Whether something is on; null where that is no question. */
  readonly isOn: (action: Action) => boolean | null;
  readonly chooseKeypoint: (index: number) => void;
  readonly person: string | null;
  readonly canEdit: boolean;
  readonly busy: boolean;
  readonly help: boolean;
  readonly message: Said | null;
  readonly progress: ProgressJson | null;
}

const ZOOM = 1.3;
const LOOKING: ReadonlySet<Action> = new Set<Action>([
  "next-keypoint", "previous-keypoint", "next-person", "previous-person", "doubt-first", "heatmap", "mirror", "next",
  "previous", "zoom-in", "zoom-out", "zoom-person", "fit", "groups", "names", "help",
]);
const FROM_PREDICTION: ReadonlySet<Action> = new Set<Action>(["reset-point", "reset-person", "absent-weaker"]);
/** What needs nobody to be chosen. */
const FREE: ReadonlySet<Action> = new Set<Action>(["add", "box", "undo", "redo", "save", "accept-all"]);

export function useActions(now: Situation): Actions {
  const { model, tell, body, canvas, settings, change, editor, doc, person, source } = now;
  const [help, setHelp] = useState(false);
  const [message, say] = useState<Said | null>(null);
  const review = useReview(now, say);
  const reestimate = useReestimate(now, say);
  const edits = editsOf(now, say);
  const busy = review.busy || reestimate.busy;
  const conflict = person !== null && model.conflicts.has(person.key);
  const readOnly = whyReadOnly(editor);

  const whyNot = (action: Action): string | null => {
    if (action === "next" && !review.steps.hasNext) return "This is the last sample of the view";
    if (action === "previous" && !review.steps.hasPrevious) return "This is the first sample of the view";
    if (LOOKING.has(action)) return null;
    // Where nothing can be saved, the key goes on all the same.
    if (action === "accept-all" && readOnly !== null) return null;
    if (readOnly !== null) return readOnly;
    if (busy) return "Wait a moment";
    if (action === "undo" && !model.history.past.length) return "Nothing to undo";
    if (action === "redo" && !model.history.future.length) return "Nothing to redo";
    if (action === "reestimate" && editor.can_reestimate === null) return editor.reestimate_problem ?? "No model is at hand";
    if (FREE.has(action)) return null;
    if (!doc) return "Nobody is chosen";
    if (conflict) return "Choose a version first";
    if (FROM_PREDICTION.has(action) && !source) return "This person was not predicted";
    if (action === "fix" && !person?.source?.fix) return "No fix is suggested for this person";
    if (action === "reestimate" && !doc.box && !boxAround(doc.points)) return "Draw the person's box first";
    return null;
  };

  const look = (action: Action): boolean => {
    const view = canvas.current;
    const point = model.keypoint === null ? null : (doc?.points[model.keypoint] ?? null);
    const around = doc && (boxAround(doc.points) ?? doc.box);
    if (action === "heatmap") change({ heatmap: !settings.heatmap });
    else if (action === "mirror") change({ mirror: !settings.mirror });
    else if (action === "names") change({ names: !settings.names });
    else if (action === "doubt-first") change({ doubtFirst: !settings.doubtFirst });
    else if (action === "groups") change({ hidden: nextHidden([...body.groups.keys()], now.hidden) });
    else if (action === "help") setHelp(!help);
    else if (action === "zoom-in") view?.zoom(ZOOM, point);
    else if (action === "zoom-out") view?.zoom(1 / ZOOM, point);
    else if (action === "fit") view?.fit();
    else if (action === "zoom-person") {
      if (around) view?.fitTo(around);
    } else return false;
    return true;
  };

  const act = (action: Action) => {
    const reason = whyNot(action);
    if (reason !== null) return say({ kind: "hint", text: sentence(reason) });
    if (look(action)) return undefined;
    say(null);
    if (action === "accept") void review.acceptPerson();
    else if (action === "accept-all") void (readOnly === null ? review.acceptAll() : review.go(1));
    else if (action === "save") void review.saveDrafts();
    else if (action === "next" || action === "previous") void review.go(action === "next" ? 1 : -1);
    else if (action === "reestimate") void reestimate.run();
    else edits.act(action);
    return undefined;
  };

  const escape = (): boolean => {
    if (canvas.current?.abandon()) return true;
    if (help) setHelp(false);
    else if (model.mode.kind === "add") tell({ type: "end-add", at: Date.now() });
    else if (model.mode.kind === "box") tell({ type: "mode", mode: { kind: "edit" } });
    else if (model.offer !== null) tell({ type: "offer", offer: null });
    else return false;
    say(null);
    return true;
  };

  const isOn = (action: Action): boolean | null => {
    switch (action) {
      case "heatmap":
        return settings.heatmap;
      case "mirror":
        return settings.mirror;
      case "names":
        return settings.names;
      case "doubt-first":
        return settings.doubtFirst;
      case "groups":
        return now.hidden.size > 0;
      case "add":
        return model.mode.kind === "add";
      case "box":
        return model.mode.kind === "box";
      case "reject":
        return doc?.rejected ?? false;
      case "help":
        return help;
      default:
        return null;
    }
  };

  const hint = modeHint(now);
  return {
    ...edits,
    act,
    escape,
    whyNot,
    isOn,
    chooseKeypoint: (keypoint) => tell({ type: "choose", keypoint }),
    person: model.person,
    canEdit: readOnly === null && !conflict && !busy,
    busy,
    help,
    message: message ?? (hint === null ? null : { kind: "hint", text: hint }),
    progress: review.progress,
  };
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function whyReadOnly({ read_only, can_save, image_size_wh, image_problem }: EditorJson): string | null {
  if (read_only !== null) return read_only;
  if (image_size_wh === null) return image_problem ?? "The image cannot be read";
  return can_save ? null : "Corrections cannot be saved here";
}

function modeHint({ model, body, person }: Situation): string | null {
  if (model.mode.kind === "box") return "Draw the person's box, or drag a corner. E runs the model on it, Esc ends.";
  if (model.mode.kind === "add" && model.keypoint !== null) {
    const name = (body.names[model.keypoint] ?? "").replaceAll("_", " ");
    return `Click where the ${name} is. 0 skips it; 1: the one before is occluded; Esc ends.`;
  }
  const fix = person?.source?.fix;
  return fix && !person?.corrected ? `Suggested fix: ${fix.why || fix.kind}. F applies it.` : null;
}
