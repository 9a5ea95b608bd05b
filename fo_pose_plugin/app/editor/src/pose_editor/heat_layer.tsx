import React, { useEffect, useRef } from "react";
import { heatOpacity, paint } from "../colours";
import { resample, type Affine } from "../geometry";
import { strongest, type Heatmaps } from "../heatmaps";

/** Canvas pixels per pixel of a heatmap: values are blended, not colours. */
const FINE = 4;
const FINER: Affine = [
  [FINE, 0, (FINE - 1) / 2],
  [0, FINE, (FINE - 1) / 2],
];

interface Props {
  readonly maps: Heatmaps;
  readonly index: number;
  /** Whether it is the mirrored keypoint's map, which is painted in another colour. */
  readonly mirrored: boolean;
}

/** A keypoint's heatmap where it lies on the image; 0 is transparent. */
export const HeatLayer = React.memo(function HeatLayer({ maps, index, mirrored }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, height] = [maps.size[0] * FINE, maps.size[1] * FINE];
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const values = resample(strongest(maps, [index]), maps.size, FINER, [width, height]);
    // Stretched to its own peak: a faint map is looked at too.
    const top = maps.peaks[index] ?? 0;
    const pixels = mirrored ? paintBlue(values, top) : paint(values, top);
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [maps, index, mirrored, width, height]);
  const [[a, , left], [, d, top]] = maps.toPicture;
  return (
    <canvas
      ref={canvas}
      className="fpe-heat"
      data-cy={mirrored ? "pose-editor-painted-mirror" : "pose-editor-painted-heatmap"}
      data-index={index}
      width={width}
      height={height}
      style={{ left: left - a / 2, top: top - d / 2, width: a * maps.size[0], height: d * maps.size[1] }}
    />
  );
});

function paintBlue(values: Float32Array, top: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(values.length * 4);
  if (!(top > 0)) return pixels;
  for (let i = 0; i < values.length; i++) {
    const share = values[i]! / top;
    pixels.set([70 * (1 - share) + 190 * share, 150 + 90 * share, 255, 255 * heatOpacity(share)], 4 * i);
  }
  return pixels;
}
