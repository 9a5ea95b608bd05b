import { useEffect, type RefObject } from "react";

const EVERY_MS = 60;

/**
 * Keep the focus, and with it the keys, until someone clicks elsewhere.
 *
 * The App moves it unasked: the list of operators that the panel was opened from gives it back to whatever had it
 * before, and the sample beside the panel takes it whenever it is drawn anew.
 */
export function useKeptFocus(root: RefObject<HTMLElement>, take: () => void): void {
  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    let elsewhere = false;
    const pointed = ({ target }: PointerEvent) => {
      elsewhere = !(target instanceof Node && element.contains(target));
    };
    const look = () => {
      const { activeElement } = document;
      if (!elsewhere && !element.contains(activeElement) && !isAsking(activeElement, element)) take();
    };
    const timer = window.setInterval(look, EVERY_MS);
    document.addEventListener("pointerdown", pointed, true);
    take();
    return () => {
      window.clearInterval(timer);
      document.removeEventListener("pointerdown", pointed, true);
    };
  }, [root, take]);
}

/** Whether something waits for an answer: a dialog, or a field that is typed into. */
function isAsking(active: Element | null, element: Element): boolean {
  const dialog = active?.closest("[role=dialog]");
  return (!!dialog && !dialog.contains(element)) || active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement;
}
