import { describe, expect, it } from "vitest";
import { cutTiles, highestPeak, strongest, type Heatmaps } from "../src/heatmaps";

/** Two columns of tiles, 2 x 1 pixels each: [1 2] [3 4] / [5 6] and nothing. */
const ATLAS = Uint8ClampedArray.from([1, 2, 3, 4, 5, 6, 0, 0].flatMap((grey) => [grey, grey, grey, 255]));

function heatmapsOf(tiles: number[][], peaks: number[]): Heatmaps {
  return {
    tiles: tiles.map((tile) => Uint8Array.from(tile)),
    size: [2, 1],
    peaks,
    scaleMax: 1,
    toPicture: [
      [1, 0, 0],
      [0, 1, 0],
    ],
    note: null,
  };
}

describe("cutTiles", () => {
  it("cuts row by row, without the empty places at the end", () => {
    expect(cutTiles(ATLAS, 4, [2, 1], 2, 3).map((tile) => [...tile])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });
});

describe("strongest", () => {
  const heatmaps = heatmapsOf(
    [
      [255, 0],
      [255, 51],
      [0, 255],
    ],
    [0.5, 0.25, 0],
  );

  it("compares values, not the stretched tiles", () => {
    const values = strongest(heatmaps, [0, 1]);
    expect(values[0]).toBeCloseTo(0.5);
    expect(values[1]).toBeCloseTo(0.05);
  });

  it("sees nothing in a map without a peak, or that is not there", () => {
    expect([...strongest(heatmaps, [2, 9])]).toEqual([0, 0]);
  });

  it("knows the highest peak", () => {
    expect(highestPeak(heatmaps, [1, 2])).toBe(0.25);
    expect(highestPeak(heatmaps, [])).toBe(0);
  });
});
