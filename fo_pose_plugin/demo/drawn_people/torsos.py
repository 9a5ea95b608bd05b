"""Torsos: shirt, hips or skirt, neck, and what tells front from back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fo_pose_plugin.demo.drawn_people.body import Figure
from fo_pose_plugin.demo.drawn_people.canvas import Canvas, Shape, capsule, disc, hull, shade
from fo_pose_plugin.demo.drawn_people.outfits import Outfit
from fo_pose_plugin.demo.drawn_people.space import FloatArray

__all__ = ["TorsoPainter"]

_ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
DEPTH = 0.36  # half of a torso's thickness


@dataclass(frozen=True, slots=True)
class TorsoPainter:
    """Paints one person's torso; the arguments are those of `HeadPainter`."""

    figure: Figure
    outfit: Outfit
    scale: float
    offset: FloatArray

    def paint(self, canvas: Canvas, part: int, edge: float) -> None:
        """Paint what is worn from the hips to the neck."""
        body, outfit = self.figure.body, self.outfit
        neck = self._at(0.0, 1.0, 0.0)
        head = self.figure.head[:2] * self.scale + self.offset
        skin = shade(outfit.skin, 0.88)
        width = 0.2 * self.scale * body.bulk
        canvas.paint(
            [Shape(capsule(neck, head * 0.7 + neck * 0.3, width * 1.15, width), skin)], part, edge * 0.7
        )
        hips, low = self._hips(), self._ring(0.1, body.waist * 1.02)
        chest = hull(self._ring(0.93, body.shoulders * 0.86), self._ring(0.62, body.waist * 1.16))
        belly = hull(self._ring(0.66, body.waist * 1.15), self._ring(0.32, body.waist), low)
        collar = hull(disc(neck, width * 1.25), self._ring(0.93, body.shoulders * 0.86))
        canvas.paint(
            [
                Shape(hips, outfit.trousers),
                Shape(collar, outfit.top),
                Shape(belly, outfit.top),
                Shape(chest, outfit.top),
            ],
            part,
            edge,
        )
        if outfit.pattern == "stripes":
            for level in (0.28, 0.46, 0.64, 0.82):
                self._stripe(canvas, level)
        if self.figure.torso_axes[2, 2] > 0.12:
            self._front(canvas, width)
        elif outfit.backpack:
            self._backpack(canvas, part, edge)

    def _at(self, aside: float, height: float, front: float) -> FloatArray:
        """Give a point of the torso, image_px (2,): aside to the left, height from hips (0) to neck (1)."""
        axes = self.figure.torso_axes
        placed = self.figure.neck * height + axes @ np.array([aside, 0.0, front])
        px: FloatArray = placed[:2] * self.scale + self.offset
        return px

    def _ring(self, height: float, half_width: float, seen_only: bool = False) -> FloatArray:
        """Give a belt around the torso, image_px (n, 2)."""
        axes = self.figure.torso_axes
        x, z = half_width * np.cos(_ANGLES), DEPTH * np.sin(_ANGLES)
        circle = np.column_stack([x, np.zeros(16), z]) @ axes.T
        if seen_only:
            circle = np.roll(circle, -int(np.argmin(circle[:, 2])), axis=0)
            circle = circle[circle[:, 2] > -0.02]
        px: FloatArray = (self.figure.neck * height + circle)[:, :2] * self.scale + self.offset
        return px

    def _hips(self) -> FloatArray:
        """Give hips, or a skirt that reaches to the middle of the thighs."""
        figure, bulk = self.figure, self.figure.body.bulk * self.scale
        hips = figure.points[11:13, :2] * self.scale + self.offset
        belt = self._ring(0.14, figure.body.waist * 1.02)
        round_hips = [disc(hip, 0.32 * bulk) for hip in hips]
        if not self.outfit.skirt:
            return hull(belt, *round_hips)
        knees = figure.points[13:15, :2] * self.scale + self.offset
        hems = [disc(hip * 0.4 + knee * 0.6, 0.34 * bulk) for hip, knee in zip(hips, knees, strict=True)]
        return hull(belt, *round_hips, *hems)

    def _stripe(self, canvas: Canvas, level: float) -> None:
        body = self.figure.body
        half_width = np.interp(
            level, [0.3, 0.65, 0.93], [body.waist, body.waist * 1.15, body.shoulders * 0.86]
        )
        line = self._ring(level, float(half_width) * 0.97, seen_only=True)
        if len(line) > 1:
            canvas.stroke(line, self.outfit.accent, 0.1 * self.scale)

    def _front(self, canvas: Canvas, width: float) -> None:
        """Paint what only a front has: the neckline, and buttons, a zip or a badge."""
        outfit, scale = self.outfit, self.scale
        neckline = np.array(
            [self._at(-0.24, 0.99, 0.2), self._at(0.24, 0.99, 0.2), self._at(0.0, 0.82, DEPTH)]
        )
        canvas.paint(
            [Shape(hull(neckline, disc(self._at(0, 1.0, 0.1), width * 0.9)), shade(outfit.skin, 0.92))], None
        )
        line = np.array([self._at(0.0, height, DEPTH) for height in (0.8, 0.5, 0.2)])
        if outfit.pattern == "buttons":
            canvas.stroke(line, shade(outfit.top, 0.75), 0.035 * scale)
            for height in (0.7, 0.53, 0.36):
                canvas.paint([Shape(disc(self._at(0.0, height, DEPTH), 0.06 * scale), outfit.accent)], None)
        elif outfit.pattern == "zip":
            canvas.stroke(line, outfit.accent, 0.08 * scale)
        elif outfit.pattern == "badge":
            canvas.paint([Shape(disc(self._at(0.0, 0.58, DEPTH), 0.24 * scale), outfit.accent)], None)
        if outfit.backpack:
            for side in (-0.42, 0.42):
                strap = np.array([self._at(side, height, DEPTH * 0.8) for height in (0.97, 0.75, 0.55)])
                canvas.stroke(strap, shade(outfit.accent, 0.8), 0.11 * scale)

    def _backpack(self, canvas: Canvas, part: int, edge: float) -> None:
        corners = [self._at(side * 0.42, height, -DEPTH - 0.2) for side in (-1, 1) for height in (0.3, 0.86)]
        bag = hull(*(disc(corner, 0.16 * self.scale) for corner in corners))
        canvas.paint([Shape(bag, self.outfit.accent)], part, edge)
        pocket = [self._at(side * 0.3, height, -DEPTH - 0.25) for side in (-1, 1) for height in (0.34, 0.5)]
        canvas.paint([Shape(hull(np.array(pocket)), shade(self.outfit.accent, 0.8))], None)
