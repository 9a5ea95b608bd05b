"""Scenes: a backdrop, people from far to near, and what stands before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.demo.drawn_people.backdrops import make_backdrop, paint_obstacle, paint_seat
from fo_pose_plugin.demo.drawn_people.body import Figure, make_figure
from fo_pose_plugin.demo.drawn_people.canvas import Canvas
from fo_pose_plugin.demo.drawn_people.outfits import Outfit
from fo_pose_plugin.demo.drawn_people.painting import PARTS, paint_person
from fo_pose_plugin.demo.drawn_people.poses import random_pose
from fo_pose_plugin.demo.drawn_people.space import FloatArray
from fo_pose_plugin.demo.drawn_people.truth import DrawnPerson, see_person

__all__ = ["FIRST_HELD_OUT_SEED", "Scene", "draw_scene"]

# The bundled models were trained on scenes from 0 on; demo, tests and benchmarks draw those from here on.
FIRST_HELD_OUT_SEED = 10_000_000

SIZES_WH = ((640, 480), (480, 640), (560, 560))
PEOPLE = {1: 0.25, 2: 0.35, 3: 0.25, 4: 0.15}
HEIGHTS_PX = (80.0, 400.0)
# Of people of whom less is seen no truth is given.
LEAST_AREA_PX = 350
LEAST_KEYPOINTS = 8
OBSTACLES = 0.7  # per person


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawing and its truth.

    Args:
        image_bgr: (H, W, 3) uint8.
        people: Those of whom enough is seen, from far to near.
    """

    image_bgr: npt.NDArray[np.uint8]
    people: tuple[DrawnPerson, ...]

    def __repr__(self) -> str:
        return f"Scene(image {self.image_bgr.shape}, {len(self.people)} people)"


@dataclass(frozen=True, slots=True)
class _Placed:
    figure: Figure
    scale: float
    height: float
    points: FloatArray
    first_part: int


def draw_scene(seed: int) -> Scene:
    """Draw a scene with one to four people, 80 to 400 px tall.

    Args:
        seed: Each number has its scene; the same number gives the same scene.
    """
    rng = np.random.default_rng([20_260_101, seed])
    size_wh = SIZES_WH[int(rng.integers(len(SIZES_WH)))]
    canvas, horizon = make_backdrop(rng, size_wh)
    count = int(rng.choice(list(PEOPLE), p=list(PEOPLE.values())))
    placed = [
        _place(rng, canvas, size_wh, horizon, height, slot, 1 + PARTS * index)
        for index, (height, slot) in enumerate(_line_up(rng, count, size_wh))
    ]
    for person in placed[::-1]:
        if rng.random() < OBSTACLES / max(1, len(placed) - 1):
            low = float(person.points[:, 1].max())
            foot = np.array([person.points[:17, 0].mean() + rng.normal(0, 0.9) * person.scale, low])
            paint_obstacle(
                rng, canvas, foot + np.array([0, rng.uniform(0, 0.5)]) * person.scale, person.scale
            )
    people = (
        see_person(canvas.parts, person.figure, person.points, person.height, person.first_part)
        for person in placed
    )
    return Scene(canvas.image, tuple(person for person in people if person is not None and _is_seen(person)))


def _is_seen(person: DrawnPerson) -> bool:
    return person.area >= LEAST_AREA_PX and int((person.visible[:17] == 2).sum()) >= LEAST_KEYPOINTS


def _line_up(rng: np.random.Generator, count: int, size_wh: tuple[int, int]) -> list[tuple[float, float]]:
    """Draw heights (px) and places from left to right (px), the smallest, which is farthest away, first."""
    low, high = np.log(HEIGHTS_PX)
    tallest = float(np.exp(rng.uniform(low + 0.75, high)))
    heights = sorted(max(HEIGHTS_PX[0], tallest * rng.uniform(0.5, 1.0) ** 1.2) for _ in range(count - 1))
    heights.append(tallest)
    # Close enough that neighbours overlap now and then.
    gap = float(rng.uniform(0.18, 0.42)) * tallest
    middle = size_wh[0] / 2 + rng.normal(0, 0.08) * size_wh[0]
    places = middle + (np.arange(count) - (count - 1) / 2) * gap + rng.normal(0, 0.1, count) * gap
    margin = 0.16 * tallest
    places = np.clip(places, margin, size_wh[0] - margin)
    return list(zip(heights, rng.permutation(places).tolist(), strict=True))


def _place(
    rng: np.random.Generator,
    canvas: Canvas,
    size_wh: tuple[int, int],
    horizon: float,
    height: float,
    x: float,
    first_part: int,
) -> _Placed:
    """Draw somebody standing on the ground, the lower in the image the taller."""
    figure = make_figure(rng, random_pose(rng))
    body = figure.body
    units = body.torso + body.thigh + body.shin + body.neck + 1.86 * body.head_height + 0.24
    scale = height / units
    points = figure.points[:, :2] * scale
    nearness = (height - HEIGHTS_PX[0]) / (HEIGHTS_PX[1] - HEIGHTS_PX[0])
    floor = (
        horizon + (size_wh[1] * 0.97 - horizon) * (0.2 + 0.8 * nearness) + rng.normal(0, 0.01) * size_wh[1]
    )
    top = float(points[:, 1].min()) - 0.6 * scale
    floor = min(
        max(floor, float(points[:, 1].max()) - top + 4), size_wh[1] * (1.0 if rng.random() < 0.85 else 1.12)
    )
    offset = np.array([x - points[:17, 0].mean(), floor - points[:, 1].max()])
    wide = float(np.ptp(points[11:23, 0])) / 2 + 0.5 * scale
    if figure.pose.posture == "lying":
        wide = float(np.ptp(points[:, 0])) / 2
    centre = np.array([points[11:23, 0].mean() + offset[0], floor])
    if figure.pose.posture == "lying":
        centre[0] = float(points[:, 0].mean() + offset[0])
    canvas.shadow(centre, [wide * 1.15, 0.22 * scale], 0.2)
    if figure.pose.posture == "sitting":
        paint_seat(rng, canvas, offset, floor, scale)
    paint_person(canvas, figure, Outfit.random(rng), scale, offset, first_part)
    return _Placed(figure, scale, height, points + offset, first_part)
