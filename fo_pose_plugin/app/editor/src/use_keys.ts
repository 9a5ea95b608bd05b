// Keys that belong to the panel and not to the App, which listens on the document for arrows and letters.

import { useEffect, useRef, type RefObject } from "react";

/**
 * Handle the keys that are pressed while the focus is within an element.
 *
 * No key but Escape (which closes the sample) leaves the element. The listener is the browser's own: React's
 * would run after the App's.
 *
 * @param actions By `KeyboardEvent.key`.
 */
export function useKeys(element: RefObject<HTMLElement>, actions: Readonly<Record<string, () => void>>): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const root = element.current;
    if (!root) return undefined;
    const listen = (event: KeyboardEvent) => {
      if (event.key === "Escape") return;
      event.stopPropagation();
      const typing = event.target instanceof HTMLSelectElement;
      const action = current.current[event.key];
      if (!action || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    };
    root.addEventListener("keydown", listen);
    return () => root.removeEventListener("keydown", listen);
  }, [element]);
}
