// What stays the same from sample to sample, so that one keypoint can be followed through a dataset, and while
// the panel is moved about in the modal, which builds it anew.

import { ALL, type Choice } from "./keypoints";

export interface Settings {
  /** The field with poses that was chosen, by dataset. */
  readonly poseFields: Readonly<Record<string, string>>;
  readonly choice: Choice;
  /** Folded groups; null as long as nobody has folded any. */
  readonly folded: readonly string[] | null;
  /** Whether the colours are stretched to the highest value of what is shown. */
  readonly ownScale: boolean;
  /** Whether the heatmap is shown over the crop. */
  readonly shown: boolean;
}

export type Change = (changes: Partial<Settings>) => void;

export const INITIAL: Settings = { poseFields: {}, choice: ALL, folded: null, ownScale: false, shown: true };

/** Read settings that were kept; whatever cannot be read is as it is at first. */
export function parse(kept: string | null): Settings {
  try {
    const found: unknown = JSON.parse(kept ?? "{}");
    return typeof found === "object" ? { ...INITIAL, ...found } : INITIAL;
  } catch {
    return INITIAL;
  }
}
