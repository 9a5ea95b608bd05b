import { describe, expect, it } from "vitest";
import { intoWindow, resample, windowAround, wholeOf, type Affine } from "../src/geometry";

const IDENTITY: Affine = [
  [1, 0, 0],
  [0, 1, 0],
];

describe("resample", () => {
  it("gives the values themselves where nothing moves", () => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect([...resample(values, [3, 2], IDENTITY, [3, 2])]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("puts a peak where the affine says", () => {
    const values = new Float32Array(12 * 16);
    values[5 * 12 + 7] = 1;
    const affine: Affine = [
      [6, 0, 2.5],
      [0, 6, 1],
    ];
    const picture = resample(values, [12, 16], affine, [80, 100]);
    const highest = picture.reduce((best, value, i) => (value > picture[best]! ? i : best), 0);
    expect(Math.abs((highest % 80) - (7 * 6 + 2.5))).toBeLessThanOrEqual(0.5);
    expect(Math.floor(highest / 80)).toBe(5 * 6 + 1);
  });

  it("interpolates between pixels and ends half a pixel beyond the outermost", () => {
    const affine: Affine = [
      [4, 0, 1.5],
      [0, 4, 1.5],
    ];
    const row = [...resample(Float32Array.of(1, 3), [2, 1], affine, [10, 4])].slice(0, 10);
    expect(row.slice(0, 2)).toEqual([1, 1]);
    expect(row[3]).toBeCloseTo(1.75);
    expect(row[4]).toBeCloseTo(2.25);
    expect(row.slice(6)).toEqual([3, 3, 0, 0]);
  });
});

describe("intoWindow", () => {
  it("keeps pixel edges in place: a heatmap that fills a picture fills the smaller one", () => {
    const affine: Affine = [
      [8, 0, 3.5],
      [0, 8, 3.5],
    ];
    const [[factor, , shift]] = intoWindow(affine, wholeOf([384, 512]), 0.25);
    expect(factor * -0.5 + shift).toBeCloseTo(-0.5);
    expect(factor * 47.5 + shift).toBeCloseTo(95.5);
  });

  it("puts the part's corner at the edge", () => {
    const part = { corner: [100, 40], size: [96, 128] } as const;
    const [[fx, , tx], [, fy, ty]] = intoWindow(IDENTITY, part, 2);
    expect([fx * 99.5 + tx, fy * 39.5 + ty]).toEqual([-0.5, -0.5]);
  });
});

describe("windowAround", () => {
  it("holds the points, has the picture's aspect ratio, and stays inside", () => {
    const window = windowAround(
      [
        [280, 20],
        [286, 60],
      ],
      [288, 384],
      0.1,
    );
    const [[left, top], [width, height]] = [window.corner, window.size];
    expect(width / height).toBeCloseTo(288 / 384);
    expect(left + width).toBeCloseTo(288);
    expect(top).toBeLessThan(20);
    expect(top + height).toBeGreaterThan(60);
  });

  it("is never smaller than it may be, and the whole picture where there are no points", () => {
    expect(windowAround([[10, 10]], [100, 200], 0.25).size).toEqual([25, 50]);
    expect(windowAround([], [100, 200], 0.25)).toEqual(wholeOf([100, 200]));
  });
});
