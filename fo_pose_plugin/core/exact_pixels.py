"""Pixels and relative coordinates, back and forth without losing a digit.

FiftyOne stores positions relative to the image, files hold pixels, and neither division nor multiplication of
floats can always be undone. Of the pixels that a relative position may come from, `to_pixel` takes the one
that is simplest to write: first a decimal number of at most 15 digits, which is what people and files mean,
then a single-precision number, which is what networks give, then the nearest double. `comes_back` tells the
rest, where whoever converts has to keep the original beside it.
"""

from __future__ import annotations

import math
import struct

__all__ = ["comes_back", "to_pixel", "to_relative"]

# A double tells all decimal numbers of so many digits apart.
DECIMAL_DIGITS = 15
MAX_SINGLE = 3.4e38


def to_relative(px: float, length_px: int) -> float:
    """Give a pixel coordinate, or a length, relative to the image's width or height."""
    return px / length_px


def to_pixel(rel: float, length_px: int) -> float:
    """Give the simplest pixel coordinate whose relative position is exactly this, else the nearest.

    Args:
        rel: Finite.
        length_px: The image's width or height.
    """
    product = rel * length_px
    simplest = float(f"{product:.{DECIMAL_DIGITS}g}")
    if simplest / length_px == rel:
        return simplest
    neighbours = (product, math.nextafter(product, -math.inf), math.nextafter(product, math.inf))
    candidates = (_single(product), *neighbours)
    return next((candidate for candidate in candidates if candidate / length_px == rel), product)


def comes_back(px: float, length_px: int) -> bool:
    """Whether a pixel coordinate can be told from its relative position."""
    return to_pixel(to_relative(px, length_px), length_px) == px


def _single(value: float) -> float:
    """Round to single precision."""
    if abs(value) > MAX_SINGLE:
        return value
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded
