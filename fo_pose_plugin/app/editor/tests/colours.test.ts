import { describe, expect, it } from "vitest";
import { confidenceColour, heatColour, heatOpacity, paint, paintOver } from "../src/colours";

const lightness = ([r, g, b]: readonly [number, number, number]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

describe("the heat scale", () => {
  it("only gets lighter and more opaque", () => {
    const shares = Array.from({ length: 101 }, (_, i) => i / 100);
    const light = shares.map((share) => lightness(heatColour(share)));
    const opaque = shares.map(heatOpacity);
    for (const values of [light, opaque]) {
      expect(values.every((value, i) => i === 0 || value >= values[i - 1]! - 1)).toBe(true);
    }
    expect(opaque[0]).toBe(0);
  });
});

describe("paint", () => {
  it("leaves what is 0 or below transparent, and ends at the scale's top", () => {
    const pixels = paint(Float32Array.of(0, -3, 1, 7), 1);
    expect([pixels[3], pixels[7]]).toEqual([0, 0]);
    expect([...pixels.slice(8, 12)]).toEqual([...pixels.slice(12, 16)]);
    expect([...pixels.slice(8, 11)]).toEqual([...heatColour(1)]);
  });

  it("paints the same share of another scale in the same colour", () => {
    expect(paint(Float32Array.of(127.5), 255)).toEqual(paint(Float32Array.of(0.5), 1));
  });

  it("paints nothing on a scale that has no end", () => {
    expect([...paint(Float32Array.of(0, 1), 0)]).toEqual(new Array(8).fill(0));
  });
});

describe("paintOver", () => {
  it("shows the picture where there is no heat, and is opaque", () => {
    const picture = Uint8ClampedArray.of(10, 20, 30, 255, 10, 20, 30, 255);
    const pixels = paintOver(picture, Float32Array.of(0, 1), 1);
    expect([...pixels.slice(0, 4)]).toEqual([10, 20, 30, 255]);
    expect(pixels[4]).toBeGreaterThan(200);
    expect(pixels[7]).toBe(255);
  });
});

describe("confidenceColour", () => {
  it("is grey for what is unknown, and stays on its scale", () => {
    expect(confidenceColour(null)).toBe("rgb(140 140 140)");
    expect(confidenceColour(3)).toBe(confidenceColour(1));
    expect(confidenceColour(-1)).toBe(confidenceColour(0));
    expect(confidenceColour(0)).not.toBe(confidenceColour(1));
  });
});
