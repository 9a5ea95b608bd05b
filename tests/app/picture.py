"""What the App draws, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Picture", "changed"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """A canvas as it is shown, and where in it the sample's image lies.

    Args:
        pixels: (H, W, 3) uint8 RGB, canvas px.
        origin_xy: The image's top left corner, canvas px.
        size_wh: The image's shown size, canvas px.
    """

    pixels: Pixels
    origin_xy: tuple[float, float]
    size_wh: tuple[float, float]

    def at(self, point_rel: Sequence[float]) -> tuple[int, int]:
        """Map a point relative to the image to a canvas pixel ``(x, y)``."""
        x, y = (o + p * s for o, p, s in zip(self.origin_xy, point_rel, self.size_wh, strict=True))
        h, w = self.pixels.shape[:2]
        return min(max(round(x), 0), w - 1), min(max(round(y), 0), h - 1)

    def colour(self, point_rel: Sequence[float]) -> tuple[int, int, int]:
        """Give the RGB colour shown at a point relative to the image."""
        x, y = self.at(point_rel)
        r, g, b = (int(v) for v in self.pixels[y, x])
        return r, g, b


def changed(before: Picture, after: Picture, point_rel: Sequence[float], radius: int = 2) -> bool:
    """Tell whether the two pictures differ near a point: whether something was drawn or removed there."""
    x, y = after.at(point_rel)
    window = np.s_[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    difference = before.pixels[window].astype(int) - after.pixels[window].astype(int)
    return bool((np.abs(difference).max(axis=-1) > 24).any())
