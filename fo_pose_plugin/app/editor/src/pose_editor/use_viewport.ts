// The part of the image that is seen. It goes to the page without React: zooming redraws no keypoint.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, type RefObject } from "react";
import type { Point, Size } from "../geometry";
import type { Box } from "./contract";
import { fit, fitBox, pan, reveal, toImage, zoomAt, type Viewport } from "./viewport";

const WHEEL = 0.0016;
/** Of a crowded keypoint's full size, where the image is small. */
const SMALLEST_DOT = 0.5;

export interface ViewportControl {
  readonly current: () => Viewport;
  /** From a place on the screen to image pixels. */
  readonly imageAt: (clientX: number, clientY: number) => Point;
  readonly panBy: (by: Point) => void;
  /** Zoom about an image place, or about the middle. */
  readonly zoom: (factor: number, about: Point | null) => void;
  readonly fit: () => void;
  readonly fitTo: (box: Box) => void;
  readonly reveal: (point: Point) => void;
}

/**
 * @param frame The canvas.
 * @param stage Holds the picture, scaled by CSS.
 * @param drawings Groups of drawings in image pixels, in a svg each.
 */
export function useViewport(
  frame: RefObject<HTMLElement>,
  stage: RefObject<HTMLElement>,
  drawings: readonly RefObject<SVGGElement>[],
  imageSize: Size,
): ViewportControl {
  const view = useRef<Viewport>({ scale: 1, origin: [0, 0] });
  const size = useRef<Size>([1, 1]);
  const whole = useRef(true);
  const layers = useRef(drawings);
  layers.current = drawings;
  const [width, height] = imageSize;

  const apply = useCallback(
    (next: Viewport) => {
      view.current = next;
      const { scale, origin } = next;
      const [x, y] = origin;
      if (stage.current) stage.current.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      for (const { current } of layers.current) {
        current?.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
        const svg = current?.ownerSVGElement;
        svg?.style.setProperty("--px", String(1 / scale));
        svg?.style.setProperty("--small", String(Math.min(Math.max(scale / 2, SMALLEST_DOT), 1)));
        svg?.setAttribute("data-scale", String(scale));
        svg?.setAttribute("data-origin-x", String(x));
        svg?.setAttribute("data-origin-y", String(y));
      }
    },
    [stage],
  );

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const measure = () => {
      size.current = [Math.max(element.clientWidth, 1), Math.max(element.clientHeight, 1)];
      apply(whole.current ? fit([width, height], size.current) : view.current);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame, apply, width, height]);

  const control = useMemo<ViewportControl>(() => {
    const go = (next: Viewport) => {
      whole.current = false;
      apply(next);
    };
    return {
      current: () => view.current,
      imageAt: (clientX, clientY) => {
        const rect = frame.current!.getBoundingClientRect();
        return toImage(view.current, [clientX - rect.left, clientY - rect.top]);
      },
      panBy: (by) => go(pan(view.current, by)),
      zoom: (factor, about) => {
        const { scale, origin } = view.current;
        const at: Point = about
          ? [about[0] * scale + origin[0], about[1] * scale + origin[1]]
          : [size.current[0] / 2, size.current[1] / 2];
        go(zoomAt(view.current, factor, at, [width, height], size.current));
      },
      fit: () => {
        whole.current = true;
        apply(fit([width, height], size.current));
      },
      fitTo: (box) => go(fitBox(box, size.current)),
      reveal: (point) => {
        const next = reveal(view.current, point, size.current);
        if (next !== view.current && !whole.current) apply(next);
      },
    };
  }, [apply, frame, width, height]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      event.stopPropagation();
      control.zoom(Math.exp(-event.deltaY * WHEEL), control.imageAt(event.clientX, event.clientY));
    };
    // The browser's own listener: React's is passive, and the page would scroll.
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, [frame, control]);

  return control;
}
