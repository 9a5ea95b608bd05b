// One person's heatmaps, taken out of the one grey picture that holds them all.

import type { Affine, Size } from "./geometry";

export interface HeatmapsJson {
  src: string;
  columns: number;
  size_wh: [number, number];
  peaks: number[];
  scale_max: number;
  to_picture: Affine;
  note: string | null;
}

/** K maps of one person, each stretched to its own peak. */
export interface Heatmaps {
  readonly tiles: readonly Uint8Array[];
  readonly size: Size;
  /** The value that a tile's 255 stands for. */
  readonly peaks: readonly number[];
  /** The value of a peak that the model is certain of. */
  readonly scaleMax: number;
  /** From heatmap_px to picture_px. */
  readonly toPicture: Affine;
  readonly note: string | null;
}

/**
 * Cut the atlas into its tiles.
 *
 * @param rgba The decoded picture, grey as RGBA.
 * @param width Its width in pixels.
 */
export function cutTiles(rgba: Uint8ClampedArray, width: number, size: Size, columns: number, count: number) {
  const [w, h] = size;
  return Array.from({ length: count }, (_, k) => {
    const tile = new Uint8Array(w * h);
    const left = (k % columns) * w;
    const top = Math.floor(k / columns) * h;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) tile[y * w + x] = rgba[4 * ((top + y) * width + left + x)]!;
    }
    return tile;
  });
}

/** The values of the strongest of some maps at each place, in the model's own scale. */
export function strongest(heatmaps: Heatmaps, indices: readonly number[]): Float32Array {
  const values = new Float32Array(heatmaps.size[0] * heatmaps.size[1]);
  for (const index of indices) {
    const tile = heatmaps.tiles[index];
    const factor = (heatmaps.peaks[index] ?? 0) / 255;
    if (!tile || factor <= 0) continue;
    for (let i = 0; i < values.length; i++) {
      const value = tile[i]! * factor;
      if (value > values[i]!) values[i] = value;
    }
  }
  return values;
}

/** The highest of some maps' peaks. */
export function highestPeak(heatmaps: Heatmaps, indices: readonly number[]): number {
  return indices.reduce((highest, index) => Math.max(highest, heatmaps.peaks[index] ?? 0), 0);
}

export async function decodeHeatmaps(json: HeatmapsJson): Promise<Heatmaps> {
  const image = await decodeImage(json.src);
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height);
  return {
    tiles: cutTiles(data, width, json.size_wh, json.columns, json.peaks.length),
    size: json.size_wh,
    peaks: json.peaks,
    scaleMax: json.scale_max,
    toPicture: json.to_picture,
    note: json.note,
  };
}

export async function decodeImage(src: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = src;
  await image.decode();
  return image;
}
