import { useCallback, useState } from "react";
import { parse, type Change, type Settings } from "./settings";

const KEY = "fo-pose-heatmaps";

/** The settings of this browser tab. */
export function useSettings(): [Settings, Change] {
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
