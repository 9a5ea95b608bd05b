// While a keypoint is dragged only what hangs on it is touched in the page; React hears of it at the end.

import type { Point } from "../geometry";
import type { PersonDoc } from "./document";

export function translation([x, y]: Point): string {
  return `translate(${x} ${y})`;
}

export class DragDom {
  private readonly handles: [Element, Point][] = [];
  private readonly ends: [Element, "1" | "2", Point][] = [];

  /**
   * @param root Holds the chosen person's `[data-index]`, `[data-a][data-b]` and `[data-ghost]`.
   * @param indices The keypoints that move.
   */
  constructor(root: Element, doc: PersonDoc, indices: readonly number[]) {
    for (const index of indices) {
      const point = doc.points[index];
      if (!point) continue;
      const handle = root.querySelector(`[data-index="${index}"]`);
      if (handle) this.handles.push([handle, point]);
      for (const edge of root.querySelectorAll(`[data-a="${index}"]`)) this.ends.push([edge, "1", point]);
      for (const edge of root.querySelectorAll(`[data-b="${index}"]`)) this.ends.push([edge, "2", point]);
      for (const line of root.querySelectorAll(`[data-ghost="${index}"]`)) this.ends.push([line, "2", point]);
    }
  }

  move([dx, dy]: Point): void {
    for (const [handle, [x, y]] of this.handles) handle.setAttribute("transform", translation([x + dx, y + dy]));
    for (const [edge, end, [x, y]] of this.ends) {
      edge.setAttribute(`x${end}`, String(x + dx));
      edge.setAttribute(`y${end}`, String(y + dy));
    }
  }
}
