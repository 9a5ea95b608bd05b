// The keys, once: what they do and what the help says.

export type Action =
  | "nudge-left" | "nudge-right" | "nudge-up" | "nudge-down"
  | "far-left" | "far-right" | "far-up" | "far-down"
  | "next-keypoint" | "previous-keypoint" | "doubt-first"
  | "visible" | "occluded" | "absent" | "absent-weaker"
  | "swap-person" | "swap-arm" | "swap-leg"
  | "reset-point" | "reset-person" | "reject" | "add"
  | "undo" | "redo"
  | "accept" | "accept-all" | "previous" | "next" | "save"
  | "snap" | "heatmap" | "mirror" | "fix"
  | "box" | "reestimate"
  | "next-person" | "previous-person"
  | "zoom-in" | "zoom-out" | "zoom-person" | "fit"
  | "groups" | "names" | "help";

export interface KeyLine {
  readonly action: Action;
  /** As `chordOf` names them. */
  readonly chords: readonly string[];
  readonly does: string;
  /** The heading in the help. */
  readonly part: string;
  /** Actions that the help tells in the line of another. */
  readonly silent?: boolean;
}

const PLACE = "Place a keypoint";
const PERSON = "The person";
const HEAT = "Heatmap";
const REVIEW = "Review";
const VIEW = "View";

export const KEYS: readonly KeyLine[] = [
  { action: "next-keypoint", chords: ["Tab"], does: "Next keypoint (with Shift the previous)", part: PLACE },
  { action: "previous-keypoint", chords: ["Shift+Tab"], does: "Previous keypoint", part: PLACE, silent: true },
  { action: "doubt-first", chords: ["D"], does: "Go through the most doubtful first, or in order", part: PLACE },
  { action: "nudge-left", chords: ["ArrowLeft"], does: "Nudge by 1 px (the arrow keys; with Shift 10)", part: PLACE },
  { action: "nudge-right", chords: ["ArrowRight"], does: "Nudge to the right", part: PLACE, silent: true },
  { action: "nudge-up", chords: ["ArrowUp"], does: "Nudge up", part: PLACE, silent: true },
  { action: "nudge-down", chords: ["ArrowDown"], does: "Nudge down", part: PLACE, silent: true },
  { action: "far-left", chords: ["Shift+ArrowLeft"], does: "Nudge by 10 px", part: PLACE, silent: true },
  { action: "far-right", chords: ["Shift+ArrowRight"], does: "Nudge by 10 px", part: PLACE, silent: true },
  { action: "far-up", chords: ["Shift+ArrowUp"], does: "Nudge by 10 px", part: PLACE, silent: true },
  { action: "far-down", chords: ["Shift+ArrowDown"], does: "Nudge by 10 px", part: PLACE, silent: true },
  { action: "visible", chords: ["2"], does: "Visible", part: PLACE },
  { action: "occluded", chords: ["1"], does: "Occluded: there, but not seen", part: PLACE },
  { action: "absent", chords: ["0"], does: "Absent; click in the image to place it again", part: PLACE },
  {
    action: "absent-weaker",
    chords: ["Shift+0"],
    does: "Absent, with all keypoints that the model was no surer of",
    part: PLACE,
  },
  { action: "reset-point", chords: ["R"], does: "Back to the prediction", part: PLACE },

  { action: "swap-person", chords: ["T", "Ctrl+T"], does: "Swap left and right of the person", part: PERSON },
  { action: "swap-arm", chords: ["A"], does: "Swap the arms", part: PERSON },
  { action: "swap-leg", chords: ["L"], does: "Swap the legs", part: PERSON },
  { action: "reset-person", chords: ["Shift+R"], does: "The whole person back to the prediction", part: PERSON },
  { action: "reject", chords: ["X", "Delete"], does: "Reject the person, or take them back in", part: PERSON },
  { action: "add", chords: ["N"], does: "Add a person: click point by point, 0 skips one", part: PERSON },
  { action: "box", chords: ["B"], does: "Draw or adjust the person's box", part: PERSON },
  { action: "reestimate", chords: ["E"], does: "Run the model again on the box", part: PERSON },
  { action: "next-person", chords: ["PageDown"], does: "Next person", part: PERSON },
  { action: "previous-person", chords: ["PageUp"], does: "Previous person", part: PERSON },

  { action: "snap", chords: ["S"], does: "To the heatmap's next peak", part: HEAT },
  { action: "heatmap", chords: ["H"], does: "Show or hide the keypoint's heatmap", part: HEAT },
  { action: "mirror", chords: ["M"], does: "The mirrored keypoint's heatmap too, in blue", part: HEAT },
  { action: "fix", chords: ["F"], does: "Apply the suggested fix", part: HEAT },

  { action: "accept", chords: ["Enter"], does: "Accept the person as shown, and go to the next", part: REVIEW },
  { action: "accept-all", chords: ["Space"], does: "Accept everyone, and go to the next sample", part: REVIEW },
  { action: "previous", chords: ["Shift+Space"], does: "Back to the previous sample", part: REVIEW },
  { action: "next", chords: ["Shift+Enter"], does: "To the next sample without accepting", part: REVIEW },
  { action: "save", chords: ["Ctrl+S"], does: "Save what was changed", part: REVIEW },
  { action: "undo", chords: ["Ctrl+Z"], does: "Undo", part: REVIEW },
  { action: "redo", chords: ["Ctrl+Shift+Z", "Ctrl+Y"], does: "Redo", part: REVIEW },

  { action: "zoom-in", chords: ["+", "="], does: "Zoom in (or the wheel)", part: VIEW },
  { action: "zoom-out", chords: ["-"], does: "Zoom out", part: VIEW },
  { action: "zoom-person", chords: ["Z"], does: "Zoom to the person", part: VIEW },
  { action: "fit", chords: ["Home"], does: "The whole image", part: VIEW },
  { action: "groups", chords: ["G"], does: "All keypoints, or one group after the other", part: VIEW },
  { action: "names", chords: ["K"], does: "Names of all keypoints", part: VIEW },
  { action: "help", chords: ["?"], does: "This list", part: VIEW },
];

/** What the mouse does, for the help. */
export const MOUSE: readonly (readonly [string, string])[] = [
  ["Drag", "Move a keypoint; on the background, the image"],
  ["Shift or Alt + drag", "Move a limb: the keypoint with all that hang on it"],
  ["Click", "Choose a keypoint, a peak or a person; place an absent keypoint"],
  ["Wheel", "Zoom"],
];

const BY_CHORD = new Map(KEYS.flatMap(({ action, chords }) => chords.map((chord) => [chord, action] as const)));

/** What a KeyboardEvent tells. */
export interface Pressed {
  readonly key: string;
  /** The key's place on the keyboard. */
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** Name a pressed key with its modifiers, like "Ctrl+Shift+Z". */
export function chordOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }: Pressed): string {
  // With Shift the key 0 writes another sign, by the layout; where 0 itself needs Shift, it is 0.
  if (shiftKey && code === "Digit0" && key !== "0") return "Shift+0";
  const named = key === " " ? "Space" : key.length === 1 ? key.toUpperCase() : key;
  // Shift is part of a sign like "?" or "+", and a modifier of letters and named keys.
  const shifted = shiftKey && (named.length > 1 || /[A-Z]/.test(named));
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shifted ? "Shift+" : ""}${named}`;
}

export function actionOf(pressed: Pressed): Action | null {
  return BY_CHORD.get(chordOf(pressed)) ?? null;
}

const SIGNS: Readonly<Record<string, string>> = {
  ArrowLeft: "← → ↑ ↓", PageUp: "Page up", PageDown: "Page down", Delete: "Del",
};

/** Keys as a person reads them. */
export function readableChords({ chords }: KeyLine): string[] {
  return chords.map((chord) => SIGNS[chord] ?? chord);
}

/** The key of an action, for a button's tooltip. */
export function keyOf(action: Action): string {
  const line = KEYS.find((one) => one.action === action);
  return line ? readableChords(line)[0]! : "";
}
