"""What scenes are painted on: an image, and beside it a map that tells whose part each pixel shows.

Space: image_px, xy order, the origin at the centre of the top-left pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from fo_pose_plugin.demo.drawn_people.space import FloatArray

__all__ = ["BACKGROUND", "OBJECT", "Canvas", "Colour", "Shape", "capsule", "disc", "hull", "shade"]

Colour: TypeAlias = tuple[float, float, float]  # blue, green, red from 0 to 255

BACKGROUND, OBJECT = 0, 255
SHIFT = 4  # cv2's fixed point: 1/16 px
EDGE_SHADE = 0.62

_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon (n, 2), image_px."""

    points: FloatArray
    colour: Colour

    def __repr__(self) -> str:
        return f"Shape(points {self.points.shape}, colour={self.colour})"


def shade(colour: Colour, factor: float) -> Colour:
    """Make a colour darker (below 1) or lighter."""
    if factor <= 1:
        blue, green, red = (value * factor for value in colour)
    else:
        blue, green, red = (value + (255 - value) * min(factor - 1, 1) for value in colour)
    return (blue, green, red)


def disc(centre: FloatArray, radius: float) -> FloatArray:
    """Give a circle's points (20, 2)."""
    points: FloatArray = centre + _CIRCLE * radius
    return points


def hull(*parts: FloatArray) -> FloatArray:
    """Give the convex hull (n, 2) of all points (n, 2)."""
    points = cv2.convexHull(np.concatenate(parts).astype(np.float32))
    outline: FloatArray = points.reshape(-1, 2).astype(np.float64)
    return outline


def capsule(start: FloatArray, end: FloatArray, start_radius: float, end_radius: float) -> FloatArray:
    """Give the outline (n, 2) of a limb: two circles and what lies between."""
    return hull(disc(start, start_radius), disc(end, end_radius))


class Canvas:
    """An image and its map of parts.

    Args:
        image: (H, W, 3) uint8, BGR; painted on.
    """

    def __init__(self, image: npt.NDArray[np.uint8]) -> None:
        self.image = image
        self.parts: npt.NDArray[np.uint8] = np.zeros(image.shape[:2], np.uint8)

    def paint(self, shapes: Iterable[Shape], part: int | None, edge: float = 0.0) -> None:
        """Paint shapes as one: the edge runs around all of them together.

        Args:
            shapes: From back to front.
            part: What the map is to hold there, or None to leave it: for what is painted on a part.
            edge: Width of a darker edge, px; 0 for none.
        """
        ready = [(_fixed(shape.points), shape.colour) for shape in shapes]
        if edge > 0:
            width = max(1, round(2 * edge))
            for points, colour in ready:
                cv2.polylines(
                    self.image, [points], True, shade(colour, EDGE_SHADE), width, cv2.LINE_AA, SHIFT
                )
        for points, colour in ready:
            cv2.fillPoly(self.image, [points], colour, cv2.LINE_AA, SHIFT)
            if part is not None:
                cv2.fillPoly(self.parts, [points], part, cv2.LINE_8, SHIFT)

    def stroke(self, points: FloatArray, colour: Colour, width: float, *, closed: bool = False) -> None:
        """Draw a line (n, 2) on what is there; the map stays."""
        thickness = max(1, round(width))
        cv2.polylines(self.image, [_fixed(points)], closed, colour, thickness, cv2.LINE_AA, SHIFT)

    def shadow(self, centre: FloatArray, axes_xy: Sequence[float], strength: float) -> None:
        """Darken an ellipse on the ground; the map stays."""
        height, width = self.image.shape[:2]
        left, top = np.clip(np.floor(centre - axes_xy), 0, [width, height]).astype(int)
        right, bottom = np.clip(np.ceil(centre + axes_xy), 0, [width, height]).astype(int)
        if right <= left or bottom <= top:
            return
        region = self.image[top:bottom, left:right]
        darker = region.copy()
        points = _fixed((centre - [left, top]) + _CIRCLE * np.asarray(axes_xy))
        cv2.fillPoly(darker, [points], (40, 30, 30), cv2.LINE_AA, SHIFT)
        cv2.addWeighted(darker, strength, region, 1 - strength, 0, dst=region)


def _fixed(points: FloatArray) -> npt.NDArray[np.int32]:
    fixed: npt.NDArray[np.int32] = np.round(points * (1 << SHIFT)).astype(np.int32).reshape(-1, 1, 2)
    return fixed
