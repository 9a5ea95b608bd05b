// What stays the same from sample to sample in this browser tab.

import { useCallback, useState } from "react";
import { NO_PACE, type Pace } from "./rate";

export interface Settings {
  /** The field with poses that was chosen, by dataset. */
  readonly poseFields: Readonly<Record<string, string>>;
  /** Groups of keypoints that are not shown. */
  readonly hidden: readonly string[];
  /** Groups that are folded in the list; null as long as nobody has folded any. */
  readonly folded: readonly string[] | null;
  readonly heatmap: boolean;
  readonly mirror: boolean;
  readonly names: boolean;
  readonly doubtFirst: boolean;
  readonly pace: Pace;
}

export type Change = (changes: Partial<Settings>) => void;

const KEY = "fo-pose-editor";

export const INITIAL: Settings = {
  poseFields: {},
  hidden: [],
  folded: null,
  heatmap: true,
  mirror: false,
  names: false,
  doubtFirst: false,
  pace: NO_PACE,
};

/** Read settings that were kept; whatever cannot be read is as it is at first. */
export function parse(kept: string | null): Settings {
  try {
    const found: unknown = JSON.parse(kept ?? "{}");
    return typeof found === "object" ? { ...INITIAL, ...found } : INITIAL;
  } catch {
    return INITIAL;
  }
}

export function useEditorSettings(): [Settings, Change] {
  const [settings, setSettings] = useState(() => parse(sessionStorage.getItem(KEY)));
  const change = useCallback<Change>((changes) => {
    setSettings((before) => {
      const after = { ...before, ...changes };
      sessionStorage.setItem(KEY, JSON.stringify(after));
      return after;
    });
  }, []);
  return [settings, change];
}
