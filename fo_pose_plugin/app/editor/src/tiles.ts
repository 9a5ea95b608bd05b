// Small pictures of heatmaps, each over the person's crop.

import { paintOver } from "./colours";
import { intoWindow, resample, windowAround, wholeOf, type Point, type Size, type Window } from "./geometry";
import { strongest, type Heatmaps } from "./heatmaps";
import { partOf, type Skeleton } from "./keypoints";
import type { Person } from "./read_heatmaps";

const HEIGHT_PX = 128; // more than is shown, for fine screens
const DIMMED = "grayscale(1) brightness(0.6)";
const LEAST_SHARE = 0.22;

/** The crop, or a part, as it lies below small pictures: without its colours, so that the heat stands out. */
export interface Backdrop {
  readonly pixels: Uint8ClampedArray;
  readonly size: Size;
  readonly window: Window;
  /** How much larger it is than that part of the person's picture. */
  readonly factor: number;
}

/** What lies below the small pictures of each part that is shown: hands and faces are zoomed in. */
export class Backdrops {
  private readonly made = new Map<string, Backdrop>();

  constructor(
    private readonly person: Person,
    private readonly skeleton: Skeleton,
  ) {}

  /** Below the maps of some keypoints of a group. */
  of(group: string, indices: readonly number[]): Backdrop {
    const part = partOf(this.skeleton, group, indices);
    const known = this.made.get(part.name) ?? makeBackdrop(this.person, this.windowOf(part.indices));
    this.made.set(part.name, known);
    return known;
  }

  private windowOf(indices: readonly number[] | null): Window {
    const { points, pictureSize } = this.person;
    if (!indices) return wholeOf(pictureSize);
    const found = indices.map((index) => points[index]).filter((point): point is Point => !!point);
    return windowAround(found, pictureSize, LEAST_SHARE);
  }
}

function makeBackdrop(person: Person, window: Window): Backdrop {
  const [width, height] = window.size;
  const factor = HEIGHT_PX / height;
  const canvas = document.createElement("canvas");
  canvas.height = HEIGHT_PX;
  canvas.width = Math.max(1, Math.round(width * factor));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.filter = DIMMED;
  context.drawImage(person.picture, ...window.corner, width, height, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { pixels: data, size: [canvas.width, canvas.height], window, factor };
}

/** Draw the strongest of some maps over the crop. */
export function drawTile(
  context: CanvasRenderingContext2D,
  backdrop: Backdrop,
  heatmaps: Heatmaps,
  indices: readonly number[],
  top: number,
): void {
  const [width, height] = backdrop.size;
  const toTile = intoWindow(heatmaps.toPicture, backdrop.window, backdrop.factor);
  const values = resample(strongest(heatmaps, indices), heatmaps.size, toTile, backdrop.size);
  context.putImageData(new ImageData(paintOver(backdrop.pixels, values, top), width, height), 0, 0);
}
