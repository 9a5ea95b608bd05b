"""The 68 points of a face in the order of iBUG 300-W, which COCO-WholeBody uses, on a head of radius 1."""

from __future__ import annotations

import numpy as np

from fo_pose_plugin.demo.drawn_people.space import FloatArray

__all__ = ["EYES", "face_points"]

# Indices in the 68 points: the person's left eye, then the right one.
EYES = (tuple(range(42, 48)), tuple(range(36, 42)))
EYE_X, EYE_Y = 0.4, 0.02
BROW_Y = -0.26
MOUTH_Y = 0.56


def face_points(rng: np.random.Generator) -> FloatArray:
    """Make a face of its own.

    Returns:
        (68, 3): x to the person's left, y down from the head's centre, z to the front, in head radii. As in
        300-W, jaw, brows, eyes and mouth run from the person's right, the viewer's left, to its left.
    """
    jaw_angle = np.linspace(0, np.pi, 17)
    jaw = np.column_stack([-np.cos(jaw_angle) * 0.97, np.sin(jaw_angle) ** 0.85, 0.72 * np.sin(jaw_angle)])
    brow_x = np.linspace(0.64, 0.18, 5)
    brow_y = BROW_Y + rng.normal(0, 0.03) - np.array([0.0, 0.07, 0.1, 0.09, 0.04])
    right_brow = np.column_stack([-brow_x, brow_y])
    left_brow = np.column_stack([brow_x, brow_y])[::-1]
    bridge = np.column_stack([np.zeros(4), np.linspace(0.0, 0.28, 4)])
    nostrils = np.column_stack([np.linspace(-0.15, 0.15, 5), 0.36 + np.array([0, 0.02, 0.035, 0.02, 0])])
    opening, width = rng.uniform(0.08, 0.13), rng.uniform(0.16, 0.2)
    eye = np.array([[-1, 0], [-0.45, -1], [0.45, -1], [1, 0], [0.45, 1], [-0.45, 1]]) * [width, opening]
    eyes = np.concatenate([eye + np.array([side * EYE_X, EYE_Y]) for side in (-1, 1)])
    flat = np.concatenate([right_brow, left_brow, bridge, nostrils, eyes, _mouth(rng)])
    # On the head's ball; what stands out of it follows.
    depth = np.sqrt(np.clip(1 - 0.9 * flat[:, 0] ** 2 - 0.55 * flat[:, 1] ** 2, 0.05, 1))
    depth[10:14] += [0.0, 0.05, 0.12, 0.2]
    depth[14:19] += [0.02, 0.06, 0.1, 0.06, 0.02]
    points: FloatArray = np.concatenate([jaw, np.column_stack([flat, depth])])
    return points


def _mouth(rng: np.random.Generator) -> FloatArray:
    """Make the mouth's 20 points (x, y): outer lips, then inner ones, both from the person's right."""
    half, open_by, smile = rng.uniform(0.24, 0.34), rng.uniform(0.0, 0.1), rng.uniform(0.02, 0.12)
    lip = rng.uniform(0.04, 0.06)

    def curve(x: FloatArray, rise: float) -> FloatArray:
        row: FloatArray = np.column_stack([x * half, MOUTH_Y - smile * x**2 + rise * (1 - x**2)])
        return row

    outer_x, inner_x = np.linspace(-1, 1, 7), np.linspace(-0.8, 0.8, 5)
    upper = curve(outer_x, -lip)
    lower = curve(outer_x[-2:0:-1], lip + open_by)
    inner_upper = curve(inner_x, 0.0)
    inner_lower = curve(inner_x[-2:0:-1], open_by)
    return np.concatenate([upper, lower, inner_upper, inner_lower])
