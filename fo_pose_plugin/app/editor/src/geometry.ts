// Where a heatmap lies in the picture of a crop.
//
// Spaces, in xy order with the origin at the centre of the top-left pixel:
//   heatmap_px  a model's output
//   picture_px  the picture of a person's crop

export type Size = readonly [width: number, height: number];
export type Point = readonly [x: number, y: number];
/** Rows of a (2, 3) matrix; these have no rotation. */
export type Affine = readonly [readonly [number, number, number], readonly [number, number, number]];

interface Taps {
  /** Per target pixel the first of two neighbouring source pixels, -1 outside. */
  first: Int32Array;
  second: Int32Array;
  /** The second one's weight. */
  weight: Float32Array;
}

/**
 * Sample a heatmap at every pixel of a picture, bilinearly; 0 where the heatmap does not reach.
 *
 * @param values w * h numbers, row by row, heatmap_px.
 * @param toPicture From heatmap_px to picture_px.
 * @returns W * H numbers, row by row, picture_px.
 */
export function resample(values: Float32Array, size: Size, toPicture: Affine, pictureSize: Size): Float32Array {
  const [w, h] = size;
  const [width, height] = pictureSize;
  const columns = taps(toPicture[0][0], toPicture[0][2], w, width);
  const rows = taps(toPicture[1][1], toPicture[1][2], h, height);
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const upper = rows.first[y]! * w;
    if (upper < 0) continue;
    const lower = rows.second[y]! * w;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const left = columns.first[x]!;
      if (left < 0) continue;
      const right = columns.second[x]!;
      const u = columns.weight[x]!;
      const above = values[upper + left]! * (1 - u) + values[upper + right]! * u;
      const below = values[lower + left]! * (1 - u) + values[lower + right]! * u;
      result[y * width + x] = above * (1 - v) + below * v;
    }
  }
  return result;
}

function taps(factor: number, shift: number, sizeIn: number, sizeOut: number): Taps {
  const found: Taps = {
    first: new Int32Array(sizeOut),
    second: new Int32Array(sizeOut),
    weight: new Float32Array(sizeOut),
  };
  for (let i = 0; i < sizeOut; i++) {
    const position = (i - shift) / factor;
    // The outermost pixels reach half a pixel beyond their centres.
    if (!(position >= -0.5 && position <= sizeIn - 0.5)) {
      found.first[i] = -1;
      continue;
    }
    const inside = Math.min(Math.max(position, 0), sizeIn - 1);
    const first = Math.floor(inside);
    found.first[i] = first;
    found.second[i] = Math.min(first + 1, sizeIn - 1);
    found.weight[i] = inside - first;
  }
  return found;
}

/** A part of a picture, of the picture's own aspect ratio; its corner counts from the picture's edge. */
export interface Window {
  readonly corner: Point;
  readonly size: Size;
}

export function wholeOf(size: Size): Window {
  return { corner: [0, 0], size };
}

/**
 * Find the part of a picture that holds some points, with room around them.
 *
 * @param leastShare The least part of the picture's width and height.
 */
export function windowAround(points: readonly Point[], pictureSize: Size, leastShare: number): Window {
  if (!points.length) return wholeOf(pictureSize);
  const [width, height] = pictureSize;
  const [left, right] = rangeOf(points.map(([x]) => x));
  const [top, bottom] = rangeOf(points.map(([, y]) => y));
  const needed = Math.max((right - left) / width, (bottom - top) / height);
  const share = Math.min(Math.max(needed * ROOM, leastShare), 1);
  const corner = (middle: number, whole: number) =>
    Math.min(Math.max(middle + 0.5 - (share * whole) / 2, 0), whole * (1 - share));
  return {
    corner: [corner((left + right) / 2, width), corner((top + bottom) / 2, height)],
    size: [share * width, share * height],
  };
}

const ROOM = 1.7;

function rangeOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The affine into a part of the picture that is shown `factor` times as large. */
export function intoWindow(toPicture: Affine, { corner }: Window, factor: number): Affine {
  // Pixel centres: u' = (u + 0.5 - corner) * factor - 0.5.
  const into = ([a, b, shift]: Affine[number], start: number): Affine[number] => [
    a * factor,
    b * factor,
    (shift + 0.5 - start) * factor - 0.5,
  ];
  return [into(toPicture[0], corner[0]), into(toPicture[1], corner[1])];
}
