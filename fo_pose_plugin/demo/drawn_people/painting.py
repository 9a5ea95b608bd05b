"""A person on a canvas: its parts from back to front, each known to the canvas's map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fo_pose_plugin.demo.drawn_people.body import FEET, HANDS, SIDES, Figure
from fo_pose_plugin.demo.drawn_people.canvas import Canvas, Colour, Shape, capsule, disc, hull, shade
from fo_pose_plugin.demo.drawn_people.heads import HeadPainter
from fo_pose_plugin.demo.drawn_people.outfits import Outfit
from fo_pose_plugin.demo.drawn_people.space import FloatArray
from fo_pose_plugin.demo.drawn_people.torsos import TorsoPainter

__all__ = ["ARMS", "HEAD", "LEGS", "PARTS", "TORSO", "paint_person"]

# Parts of a person in the canvas's map, counted from the person's first number on.
TORSO, HEAD, ARMS, LEGS = 0, 1, (2, 3), (4, 5)
PARTS = 6
SHADED = 0.86  # what is on the far side


@dataclass(frozen=True, slots=True)
class _Limbs:
    figure: Figure
    outfit: Outfit
    scale: float
    points: FloatArray  # (133, 2) image_px
    edge: float

    def arm(self, index: int) -> list[Shape]:
        points, bulk = self.points, self.figure.body.bulk * self.scale
        shoulder, elbow, wrist = points[5 + index], points[7 + index], points[9 + index]
        light = self._light(7 + index)
        cloth, skin = shade(self.outfit.top, light * 0.96), shade(self.outfit.skin, light)
        loose = self.outfit.bulk
        upper = capsule(shoulder, elbow, 0.25 * bulk * loose, 0.18 * bulk * loose)
        shapes = [*self._hand(index, skin)]
        fore = capsule(elbow, wrist, 0.17 * bulk, 0.12 * bulk)
        shapes.append(Shape(fore, skin))
        if self.outfit.sleeves == 0:
            shapes += [Shape(upper, skin), Shape(disc(shoulder, 0.26 * bulk), cloth)]
        elif self.outfit.sleeves < 1:
            end = shoulder + 0.72 * (elbow - shoulder)
            shapes += [Shape(capsule(shoulder, elbow, 0.19 * bulk, 0.17 * bulk), skin)]
            shapes += [Shape(capsule(shoulder, end, 0.26 * bulk * loose, 0.23 * bulk * loose), cloth)]
        else:
            end = elbow + 0.9 * (wrist - elbow)
            cuff = shade(cloth, 0.94)
            shapes += [Shape(capsule(elbow, end, 0.19 * bulk * loose, 0.155 * bulk * loose), cuff)]
            shapes += [Shape(upper, cloth)]
        return shapes

    def leg(self, index: int) -> list[Shape]:
        points, bulk, outfit = self.points, self.figure.body.bulk * self.scale, self.outfit
        hip, knee, ankle = points[11 + index], points[13 + index], points[15 + index]
        light = self._light(13 + index)
        cloth, skin = shade(outfit.trousers, light), shade(outfit.skin, light)
        loose = outfit.bulk
        shapes = self._shoe(index, light)
        bare = outfit.skirt or outfit.trouser_length < 1
        if bare:
            shapes += [
                Shape(capsule(knee, ankle, 0.2 * bulk, 0.14 * bulk), shade(skin, 0.97)),
                Shape(capsule(hip, knee, 0.3 * bulk, 0.2 * bulk), skin),
            ]
            if not outfit.skirt:
                end = hip + 0.68 * (knee - hip)
                shapes.append(Shape(capsule(hip, end, 0.35 * bulk * loose, 0.3 * bulk * loose), cloth))
            return shapes
        end = knee + 0.93 * (ankle - knee)
        shapes.append(Shape(capsule(knee, end, 0.23 * bulk * loose, 0.18 * bulk * loose), shade(cloth, 0.95)))
        shapes.append(Shape(capsule(hip, knee, 0.34 * bulk * loose, 0.235 * bulk * loose), cloth))
        return shapes

    def toe_cap(self, canvas: Canvas, index: int) -> None:
        """Tell toes from heels."""
        light = self._light(13 + index)
        big, small, heel = self.points[FEET[index]]
        caps = capsule(
            big * 0.88 + heel * 0.12, small * 0.88 + heel * 0.12, 0.08 * self.scale, 0.08 * self.scale
        )
        canvas.paint([Shape(caps, shade(self.outfit.shoes, 1.45 * light))], None)

    def _hand(self, index: int, skin: Colour) -> list[Shape]:
        hand = self.points[HANDS[index]]
        thick = 0.062 * self.scale
        palm = hull(*(disc(hand[place], thick * 1.25) for place in (0, 1, 5, 9, 13, 17)))
        light = shade(skin, 1.04)
        fingers = [
            Shape(capsule(hand[a], hand[a + 1], thick * 1.05, thick * 0.95), light)
            for base in (17, 13, 9, 5, 1)
            for a in range(base, base + 3)
        ]
        return [*fingers, Shape(palm, skin)]

    def _shoe(self, index: int, light: float) -> list[Shape]:
        big, small, heel = self.points[FEET[index]]
        ankle, scale = self.points[15 + index], self.scale
        colour = shade(self.outfit.shoes, light)
        toes = hull(disc(big, 0.11 * scale), disc(small, 0.1 * scale), disc(heel, 0.12 * scale))
        upper = hull(
            disc(ankle, 0.15 * scale), disc(heel, 0.12 * scale), disc((big + small) / 2, 0.07 * scale)
        )
        return [Shape(toes, shade(colour, 0.8)), Shape(upper, colour)]

    def _light(self, keypoint: int) -> float:
        """Darken what is on the far side of the body, as a light from the viewer would."""
        depth = self.figure.points[keypoint, 2] / self.figure.body.shoulders
        return float(1 - (1 - SHADED) * np.clip(-depth, 0, 1))


def paint_person(
    canvas: Canvas, figure: Figure, outfit: Outfit, scale: float, offset: FloatArray, first_part: int
) -> None:
    """Paint a person.

    Args:
        canvas: On what.
        figure: The person.
        outfit: Its looks.
        scale: Pixels per unit.
        offset: Where the origin, between the hips, is, image_px (2,).
        first_part: The number of its torso in the canvas's map; PARTS numbers from there on are its.
    """
    points = figure.points[:, :2] * scale + offset
    edge = max(0.6, 0.03 * scale)
    limbs = _Limbs(figure, outfit, scale, points, edge)
    head = HeadPainter(figure, outfit, scale, offset)
    torso = TorsoPainter(figure, outfit, scale, offset)
    z = figure.points[:, 2]
    middle = float(figure.neck[2]) / 2

    def paint_arm(index: int) -> Callable[[], None]:
        return lambda: canvas.paint(limbs.arm(index), first_part + ARMS[index], edge)

    def paint_leg(index: int) -> Callable[[], None]:
        def paint() -> None:
            canvas.paint(limbs.leg(index), first_part + LEGS[index], edge)
            limbs.toe_cap(canvas, index)

        return paint

    head_depth = float(figure.head[2])
    steps: list[tuple[float, Callable[[], None]]] = [
        (middle, lambda: torso.paint(canvas, first_part + TORSO, edge)),
        (max(head_depth, middle + 0.06), lambda: head.paint(canvas, first_part + HEAD, edge)),
    ]
    for index in range(len(SIDES)):
        # An arm that hangs beside the body is before it.
        arm_depth = 0.15 * z[5 + index] + 0.4 * z[7 + index] + 0.45 * z[9 + index] + 0.05
        leg_depth = 0.45 * z[13 + index] + 0.55 * z[15 + index]
        if figure.pose.posture != "sitting":
            leg_depth = min(leg_depth, middle - 0.01 + (0.0 if outfit.skirt else 0.1 * z[13 + index]))
        steps += [(float(arm_depth), paint_arm(index)), (float(leg_depth), paint_leg(index))]
    if head.hair_hangs_behind:
        behind = middle - 1.0
        steps.append((behind, lambda: canvas.paint([head.long_hair()], first_part + HEAD, edge)))
    for _, paint in sorted(steps, key=lambda step: step[0]):
        paint()
