"""Rotations and directions in a drawn person's space.

Space: x to the person's left, y down, z to where the person looks; after the turn towards the viewer, x and
y are those of the image and a greater z is nearer. Lengths are in a person's own unit, about a sixth of the
height.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "across", "rotation", "unit"]

FloatArray: TypeAlias = npt.NDArray[np.float64]


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> FloatArray:
    """Give the matrix (3, 3) that pitches about x, then yaws about y, then rolls about z; degrees.

    A positive pitch bends what points up towards the front.
    """
    y, p, r = np.radians([yaw, -pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    matrix: FloatArray = about_z @ about_y @ about_x
    return matrix


def unit(vector: FloatArray) -> FloatArray:
    """Scale a vector (3,) to length 1."""
    scaled: FloatArray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return scaled


def across(vector: FloatArray, along: FloatArray) -> FloatArray:
    """Give the direction (3,) of a vector's part that is perpendicular to the unit vector ``along``."""
    return unit(vector - along * float(vector @ along))
