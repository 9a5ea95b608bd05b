// Colours for heatmap values and for confidence.

export type Rgb = readonly [number, number, number];

// Matplotlib's inferno (CC0) at 17 places: even steps in lightness, and readable in any colour vision.
const INFERNO = [
  "000004", "0b0724", "210c4a", "3d0965", "57106e", "71196e", "8a226a", "a32c61", "bc3754", "d24644", "e45a31",
  "f1731d", "f98e09", "fcac11", "f9cb35", "f2ea69", "fcffa4",
].map(parse);
// From doubtful to certain; blue-green against red-orange, which colour-blind people tell apart.
const CONFIDENCE = ["e4572e", "f3a712", "c9c14a", "58b09c", "2a9d8f"].map(parse);
const UNKNOWN: Rgb = [140, 140, 140];
const MOST_OPAQUE = 0.88;
const OPAQUE_FROM = 0.6;

export const TABLE_SIZE = 256;

function parse(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function blend(stops: readonly Rgb[], share: number): Rgb {
  const position = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(position), stops.length - 2);
  const [from, to, t] = [stops[index]!, stops[index + 1]!, position - index];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * t);
  return [mix(0), mix(1), mix(2)];
}

/** The colour of a share (0 to 1) of the scale. */
export function heatColour(share: number): Rgb {
  return blend(INFERNO, share);
}

/** How much of the photo a share of the scale covers: nothing at 0. */
export function heatOpacity(share: number): number {
  return MOST_OPAQUE * Math.min(Math.max(share / OPAQUE_FROM, 0), 1);
}

/** The colour of a keypoint's confidence, grey where there is none. */
export function confidenceColour(confidence: number | null): string {
  const [r, g, b] = confidence === null ? UNKNOWN : blend(CONFIDENCE, confidence);
  return `rgb(${r} ${g} ${b})`;
}

export function confidenceGradient(): string {
  return `linear-gradient(90deg, ${CONFIDENCE.map(([r, g, b]) => `rgb(${r} ${g} ${b})`).join(", ")})`;
}

/** The heat scale as a CSS gradient, as opaque as it lies on the photo. */
export function heatGradient(): string {
  const stops = Array.from({ length: 17 }, (_, index) => {
    const [r, g, b] = heatColour(index / 16);
    return `rgb(${r} ${g} ${b} / ${heatOpacity(index / 16).toFixed(3)})`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

const table = new Uint8ClampedArray(TABLE_SIZE * 4);
for (let index = 0; index < TABLE_SIZE; index++) {
  const share = index / (TABLE_SIZE - 1);
  table.set([...heatColour(share), 255 * heatOpacity(share)], index * 4);
}

/**
 * Paint values.
 *
 * @param values Numbers; 0 and less are transparent.
 * @param top The value at the scale's end.
 * @returns RGBA, four bytes per value.
 */
export function paint(values: Float32Array, top: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(values.length * 4);
  if (!(top > 0)) return pixels;
  const factor = (TABLE_SIZE - 1) / top;
  for (let i = 0; i < values.length; i++) {
    const place = 4 * Math.min(Math.max(Math.round(values[i]! * factor), 0), TABLE_SIZE - 1);
    pixels[4 * i] = table[place]!;
    pixels[4 * i + 1] = table[place + 1]!;
    pixels[4 * i + 2] = table[place + 2]!;
    pixels[4 * i + 3] = table[place + 3]!;
  }
  return pixels;
}

/** Paint values over an opaque picture of the same size, RGBA. */
export function paintOver(
  picture: Uint8ClampedArray,
  values: Float32Array,
  top: number,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = paint(values, top);
  for (let i = 0; i < pixels.length; i += 4) {
    const opacity = pixels[i + 3]! / 255;
    for (let channel = i; channel < i + 3; channel++) {
      pixels[channel] = pixels[channel]! * opacity + picture[channel]! * (1 - opacity);
    }
    pixels[i + 3] = 255;
  }
  return pixels;
}
