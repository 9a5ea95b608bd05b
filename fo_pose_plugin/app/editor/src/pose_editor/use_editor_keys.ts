// Keys that belong to the editor and not to the App, which listens on the document.

import { useEffect, useRef, type RefObject } from "react";
import { actionOf, type Action } from "./keys";

export interface KeyHandler {
  readonly act: (action: Action) => void;
  /** Leave a mode; false where there is none to leave. */
  readonly escape: () => boolean;
}

/**
 * Handle keys while the focus is within an element. The listener is the browser's own: React's would run after the
 * App's. The element outlives the samples, so that no key is lost to the App between two of them.
 *
 * @param close Closes the sample.
 */
export function useEditorKeys(
  element: RefObject<HTMLElement>,
  handler: RefObject<KeyHandler | null>,
  close: () => void,
): void {
  const closing = useRef(close);
  closing.current = close;
  useEffect(() => {
    const listening = element.current;
    if (!listening) return undefined;
    const listen = (event: KeyboardEvent) => {
      event.stopPropagation();
      if (event.key === "Escape") {
        event.preventDefault();
        // The App itself would at first only take the focus away.
        if (!handler.current?.escape()) closing.current();
        return;
      }
      const action = actionOf(event);
      if (!action || event.target instanceof HTMLSelectElement) return;
      event.preventDefault();
      handler.current?.act(action);
    };
    listening.addEventListener("keydown", listen);
    return () => listening.removeEventListener("keydown", listen);
  }, [element, handler]);
}
