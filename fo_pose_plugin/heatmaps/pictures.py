"""Pictures of one person for whoever looks at the heatmaps: the crop, and all maps in one file.

Spaces, in xy order with the origin at the centre of the top-left pixel:
    heatmap_px  a model's output
    picture_px  the person's crop, as large as it is shown
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ShapeError

__all__ = ["HeatmapAtlas", "encode_jpeg", "pack_atlas", "shrink"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]

JPEG_QUALITY = 88
PNG_COMPRESSION = 3  # of 9: a third of the time of the usual 6, a few percent more bytes


@dataclass(frozen=True, slots=True, repr=False)
class HeatmapAtlas:
    """All maps of one person side by side in one grey picture, each stretched to its own peak.

    Args:
        png: The picture: map k is the tile in row ``k // columns`` and column ``k % columns``.
        columns: Tiles per row.
        size_wh: Of one tile, heatmap_px.
        peaks: K numbers: the value that a tile's 255 stands for; 0 where a map has nothing above 0.
    """

    png: bytes
    columns: int
    size_wh: tuple[int, int]
    peaks: tuple[float, ...]

    def __repr__(self) -> str:
        return f"HeatmapAtlas({len(self.peaks)} maps of {self.size_wh}, {len(self.png)} bytes)"


def pack_atlas(heatmaps: Float32) -> HeatmapAtlas:
    """Put one person's heatmaps side by side.

    Args:
        heatmaps: (K, h, w); what is below 0 is shown as 0.

    Raises:
        ShapeError: If it is no (K, h, w) array.
    """
    import cv2

    if heatmaps.ndim != 3 or 0 in heatmaps.shape:
        raise ShapeError("heatmaps", heatmaps.shape, "(K, h, w), none of them 0")
    count, h, w = heatmaps.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    peaks = np.maximum(heatmaps.reshape(count, -1).max(axis=1), 0)
    factor = np.divide(255, peaks, out=np.zeros_like(peaks), where=peaks > 0)
    tiles = np.zeros((rows * columns, h, w), dtype=np.uint8)
    tiles[:count] = np.rint(np.clip(heatmaps * factor[:, None, None], 0, 255))
    picture = tiles.reshape(rows, columns, h, w).swapaxes(1, 2).reshape(rows * h, columns * w)
    _, png = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    return HeatmapAtlas(png.tobytes(), columns, (w, h), tuple(float(peak) for peak in peaks))


def shrink(picture: UInt8, factor: int) -> UInt8:
    """Average blocks of ``factor`` by ``factor`` pixels; (H, W, 3) with H and W multiples of it."""
    import cv2

    if factor == 1:
        return picture
    size_wh = (picture.shape[1] // factor, picture.shape[0] // factor)
    smaller: UInt8 = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
    return smaller


def encode_jpeg(picture_bgr: UInt8) -> bytes:
    """Give a picture, (H, W, 3) BGR, as a JPEG."""
    import cv2

    _, content = cv2.imencode(".jpg", picture_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    encoded: bytes = content.tobytes()
    return encoded
