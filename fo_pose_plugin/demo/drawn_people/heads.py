"""Heads: skull, hair and face, seen from any side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fo_pose_plugin.demo.drawn_people.body import FACE, Figure
from fo_pose_plugin.demo.drawn_people.canvas import Canvas, Colour, Shape, disc, hull, shade
from fo_pose_plugin.demo.drawn_people.face import EYES
from fo_pose_plugin.demo.drawn_people.outfits import Outfit
from fo_pose_plugin.demo.drawn_people.space import FloatArray, unit

__all__ = ["HeadPainter"]

# Points on a ball, evenly spread (Fibonacci's lattice): x left, y down, z front.
_COUNT = 160
_HEIGHTS = 1 - 2 * (np.arange(_COUNT) + 0.5) / _COUNT
_TURNS = np.arange(_COUNT) * np.pi * (3 - np.sqrt(5))
_BALL = np.column_stack(
    [np.sqrt(1 - _HEIGHTS**2) * np.cos(_TURNS), _HEIGHTS, np.sqrt(1 - _HEIGHTS**2) * np.sin(_TURNS)]
)
SKIN_AXIS = np.array([0.0, 0.42, 0.91])
WHITE: Colour = (250.0, 250.0, 250.0)
DARK: Colour = (45.0, 35.0, 35.0)


@dataclass(frozen=True, slots=True)
class HeadPainter:
    """Paints one person's head.

    Args:
        figure: The person.
        outfit: Its looks.
        scale: Pixels per unit.
        offset: Where the person's origin is, image_px (2,).
    """

    figure: Figure
    outfit: Outfit
    scale: float
    offset: FloatArray

    def paint(self, canvas: Canvas, part: int, edge: float) -> None:
        """Paint hair, skull, ears and face."""
        looking = float(self.figure.head_axes[2, 2])
        style, outfit = self.outfit.hair_style, self.outfit
        hair = outfit.skin if style == "bald" else outfit.accent if style == "cap" else outfit.hair
        back = [Shape(self._ball(1.0), shade(outfit.skin, 0.97))]
        if style == "bun":
            back.insert(0, Shape(disc(self._px(np.array([0, -1.12, -0.55])), 0.42 * self._size), hair))
        if style == "long" and not self.hair_hangs_behind:
            back.append(self.long_hair())
        ears = [self._ear(side) for side in (1, -1) if self._sees(np.array([side, 0.1, 0.2]), -0.45)]
        canvas.paint([*back, *ears], part, edge)
        growth = 1.0 if style == "bald" else 1.07
        cover = [Shape(self._hair_cap(growth), hair)] if looking < 0.2 else [Shape(self._ball(growth), hair)]
        canvas.paint(cover, part, edge * 0.5)
        # Ears lie over the hair on the side that is seen.
        if style != "long":
            near = [self._ear(side) for side in (1, -1) if self._sees(np.array([side, 0.0, 0.0]), -0.2)]
            canvas.paint(near, part, edge * 0.6)
        if looking > -0.35:
            canvas.paint([Shape(self._face(), outfit.skin)], part)
        if style == "cap":
            self._brim(canvas, part, hair, edge)
        self._features(canvas)

    @property
    def hair_hangs_behind(self) -> bool:
        """Whether long hair falls behind the torso, and is to be painted before everything else."""
        return self.outfit.hair_style == "long" and float(self.figure.head_axes[2, 2]) > 0.3

    def long_hair(self) -> Shape:
        """Give the hair that falls on the back: behind the torso from the front, before it from behind."""
        down = np.array([[-0.95, 1.75, -0.35], [0.95, 1.75, -0.35], [-0.6, 2.1, -0.5], [0.6, 2.1, -0.5]])
        falling = self.figure.head + (down * self._radii) @ self.figure.head_axes.T
        points = hull(self._ball(1.1), falling[:, :2] * self.scale + self.offset)
        return Shape(points, shade(self.outfit.hair, 0.88))

    @property
    def _radii(self) -> FloatArray:
        body = self.figure.body
        return np.array([body.head_width, body.head_height, body.head_width])

    @property
    def _size(self) -> float:
        return self.figure.body.head_width * self.scale

    def _px(self, points: FloatArray) -> FloatArray:
        """Bring points of the head's ball (..., 3) to image_px (..., 2)."""
        placed = self.figure.head + (points * self._radii) @ self.figure.head_axes.T
        px: FloatArray = placed[..., :2] * self.scale + self.offset
        return px

    def _sees(self, normal: FloatArray, least: float = 0.0) -> bool:
        return float((self.figure.head_axes @ unit(normal))[2]) > least

    def _ball(self, growth: float) -> FloatArray:
        """Give the outline of the head's ball, which an ellipse is."""
        axes = (self.figure.head_axes * self._radii * growth)[:2]
        root = np.linalg.cholesky(axes @ axes.T)
        circle = disc(np.zeros(2), 1.0)
        outline: FloatArray = (self.figure.head[:2] + circle @ root.T) * self.scale + self.offset
        return outline

    def _visible(self, axis: FloatArray, least: float) -> FloatArray:
        """Give the ball's points (n, 3) that lie around an axis and are seen, with those on the outline."""
        inside = _BALL[_BALL @ unit(axis) > least]
        seen = inside[(inside @ self.figure.head_axes.T)[:, 2] > 0]
        rim = np.column_stack([disc(np.zeros(2), 1.0), np.zeros(20)]) @ self.figure.head_axes
        return np.concatenate([seen, rim[rim @ unit(axis) > least]])

    def _hair_cap(self, growth: float) -> FloatArray:
        points = self._visible(np.array([0.0, -0.35, -1.0]), -0.25)
        return hull(self._px(points * growth)) if len(points) >= 3 else self._ball(growth)

    def _face(self) -> FloatArray:
        """Give what shows skin: the front of the ball below the hair line, and the jaw."""
        bald = self.outfit.hair_style == "bald"
        front = self._visible(SKIN_AXIS, -0.2 if bald else 0.12)
        jaw = self.figure.points[FACE][:17]
        seen = jaw[self.figure.face_normals[:17] > -0.3]
        parts = [self._px(front)] if len(front) else []
        if len(seen):
            parts.append(seen[:, :2] * self.scale + self.offset)
        return hull(*parts)

    def _ear(self, side: int) -> Shape:
        index = 3 if side == 1 else 4
        centre = self.figure.points[index, :2] * self.scale + self.offset
        return Shape(disc(centre, 0.2 * self._size), shade(self.outfit.skin, 0.93))

    def _brim(self, canvas: Canvas, part: int, colour: Colour, edge: float) -> None:
        brim = np.array(
            [[-0.8, -0.5, 0.65], [0.8, -0.5, 0.65], [-0.5, -0.5, 1.45], [0.5, -0.5, 1.45], [0, -0.5, 1.6]]
        )
        if self._sees(np.array([0.0, 0.0, 1.0]), -0.3):
            canvas.paint([Shape(hull(self._px(brim)), shade(colour, 0.85))], part, edge * 0.5)

    def _features(self, canvas: Canvas) -> None:
        """Paint cheeks, brows, eyes, nose and mouth where they look at the viewer."""
        face = self.figure.points[FACE][:, :2] * self.scale + self.offset
        normal, size, skin = self.figure.face_normals, self._size, self.outfit.skin
        for side in (1.0, -1.0):
            if self._sees(np.array([side * 0.55, 0.35, 0.7]), 0.3):
                cheek = disc(self._px(np.array([side * 0.55, 0.38, 0.72])), 0.15 * size)
                blue, green, red = skin
                canvas.paint([Shape(cheek, (blue * 0.86, green * 0.83, min(255.0, red * 1.03)))], None)
        if normal[30] > 0.1:
            canvas.stroke(face[27:31], shade(skin, 0.8), 0.06 * size)
            canvas.stroke(face[31:36], shade(skin, 0.66), 0.07 * size)
        for brow in (slice(17, 22), slice(22, 27)):
            if normal[brow].mean() > 0.05:
                canvas.stroke(face[brow], shade(self.outfit.hair, 0.75), 0.1 * size)
        for eye in EYES:
            if normal[list(eye)].mean() > 0.05:
                outline = face[list(eye)]
                canvas.paint([Shape(outline, WHITE)], None)
                canvas.stroke(outline[:4], DARK, 0.045 * size)
                radius = 0.48 * float(np.ptp(outline[:, 1])) + 0.02 * size
                canvas.paint([Shape(disc(outline.mean(0), radius), DARK)], None)
        if normal[48:68].mean() > 0.05:
            canvas.paint(
                [Shape(face[48:60], (88.0, 82.0, 196.0)), Shape(face[60:68], (60.0, 40.0, 110.0))], None
            )
