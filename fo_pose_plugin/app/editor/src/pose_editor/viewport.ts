// Which part of the image is seen: zoom and pan.

import type { Point, Size } from "../geometry";
import type { Box } from "./contract";

export interface Viewport {
  /** Screen pixels per image pixel. */
  readonly scale: number;
  /** Where the image's top left corner is, in pixels of the canvas. */
  readonly origin: Point;
}

const MARGIN_PX = 8;
const MOST = 40;
/** Of the scale at which the whole image is seen. */
const LEAST = 0.5;
/** How much of the canvas a person that is zoomed to may fill. */
const FILLED = 0.8;

export function fit(imageSize: Size, canvas: Size): Viewport {
  const room = canvas.map((side) => Math.max(side - 2 * MARGIN_PX, 1));
  const scale = Math.min(room[0]! / imageSize[0], room[1]! / imageSize[1]);
  return { scale, origin: [(canvas[0] - imageSize[0] * scale) / 2, (canvas[1] - imageSize[1] * scale) / 2] };
}

/** Zoom about a place of the canvas, which stays where it is. */
export function zoomAt(view: Viewport, factor: number, at: Point, imageSize: Size, canvas: Size): Viewport {
  const least = LEAST * fit(imageSize, canvas).scale;
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(MOST, least));
  const grown = scale / view.scale;
  return { scale, origin: [at[0] - (at[0] - view.origin[0]) * grown, at[1] - (at[1] - view.origin[1]) * grown] };
}

export function pan(view: Viewport, by: Point): Viewport {
  return { scale: view.scale, origin: [view.origin[0] + by[0], view.origin[1] + by[1]] };
}

export function toImage(view: Viewport, [x, y]: Point): Point {
  return [(x - view.origin[0]) / view.scale, (y - view.origin[1]) / view.scale];
}

export function toCanvas(view: Viewport, [x, y]: Point): Point {
  return [x * view.scale + view.origin[0], y * view.scale + view.origin[1]];
}

/** Zoom so that a box of the image fills the canvas. */
export function fitBox(box: Box, canvas: Size): Viewport {
  const [x, y, width, height] = box;
  const scale = Math.min(
    (FILLED * canvas[0]) / Math.max(width, 1),
    (FILLED * canvas[1]) / Math.max(height, 1),
    MOST,
  );
  return { scale, origin: [canvas[0] / 2 - (x + width / 2) * scale, canvas[1] / 2 - (y + height / 2) * scale] };
}

/** Pan as little as is needed to see a place of the image. */
export function reveal(view: Viewport, point: Point, canvas: Size): Viewport {
  const [x, y] = toCanvas(view, point);
  const edge = (value: number, side: number): number => {
    const margin = Math.min(40, side / 4);
    if (value < margin) return margin - value;
    return value > side - margin ? side - margin - value : 0;
  };
  const by: Point = [edge(x, canvas[0]), edge(y, canvas[1])];
  return by[0] || by[1] ? pan(view, by) : view;
}
