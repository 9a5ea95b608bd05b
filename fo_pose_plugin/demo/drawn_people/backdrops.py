"""What is behind drawn people and in front of them."""

from __future__ import annotations

import numpy as np

from fo_pose_plugin.demo.drawn_people.canvas import OBJECT, Canvas, Colour, Shape, capsule, disc, hull, shade
from fo_pose_plugin.demo.drawn_people.outfits import CLOTHES, pick
from fo_pose_plugin.demo.drawn_people.space import FloatArray

__all__ = ["make_backdrop", "paint_obstacle", "paint_seat"]

SKIES = ("bde0fe", "cfe8ef", "ffe5d9", "e2ece9", "d6e2f0", "fde2e4", "a9d6e5", "fff1d0", "cdb4db", "2b3a67")
GROUNDS = ("95d5b2", "b7e4c7", "d9c6a5", "c2c5aa", "e6ccb2", "adb5bd", "a3b18a", "d8b4a0", "6a994e", "8d99ae")
WALLS = ("f1e4d4", "dfe7e4", "e8d8d8", "cfd8e3", "f3e9c6", "b8c0a8", "a5a58d", "d5bdaf", "5b6b8a")
LEAVES = ("52796f", "6a994e", "84a98c", "386641", "a7c957")
WOOD = ("7f5539", "9c6644", "b08968", "5b4636")


def make_backdrop(rng: np.random.Generator, size_wh: tuple[int, int]) -> tuple[Canvas, float]:
    """Paint a park, a street or a room.

    Returns:
        The canvas, and the height of the horizon, image_px.
    """
    width, height = size_wh
    horizon = float(rng.uniform(0.35, 0.6) * height)
    kind = rng.random()
    above = pick(rng, WALLS if kind > 0.66 else SKIES, 6)
    below = pick(rng, GROUNDS, 6)
    image = np.empty((height, width, 3), np.uint8)
    rows = np.linspace(0, 1, height)[:, None]
    image[:] = (np.array(above) * (1 - 0.1 * rows) + 255 * 0.1 * rows)[:, None]
    canvas = Canvas(image)
    if kind < 0.4:
        _park(rng, canvas, horizon, below)
    elif kind < 0.66:
        _street(rng, canvas, horizon, below)
    else:
        _room(rng, canvas, horizon, below)
    return canvas, horizon


def paint_seat(
    rng: np.random.Generator, canvas: Canvas, hips: FloatArray, floor: float, unit_px: float
) -> None:
    """Paint a box or a stool under somebody who sits; behind that person, so that it hides nothing.

    Args:
        rng: For its looks.
        canvas: On what.
        hips: The middle of the hips, image_px.
        floor: Where it stands, image_px from above.
        unit_px: The person's unit.
    """
    top = float(hips[1] + 0.22 * unit_px)
    half = float(rng.uniform(0.75, 1.1) * unit_px)
    floor = max(floor, top + 0.5 * unit_px)
    colour = pick(rng, (*WOOD, *CLOTHES[:8]))
    x = float(hips[0])
    if rng.random() < 0.5:
        shapes = [Shape(_box(x - half, top, x + half, floor), shade(colour, 0.85))]
    else:
        shapes = [
            Shape(
                _box(
                    x + side * half * 0.75 - 0.09 * unit_px,
                    top,
                    x + side * half * 0.75 + 0.09 * unit_px,
                    floor,
                ),
                shade(colour, 0.7),
            )
            for side in (-1, 1)
        ]
    shapes.append(Shape(_box(x - half * 1.08, top, x + half * 1.08, top + 0.26 * unit_px), colour))
    canvas.paint(shapes, OBJECT, 0.02 * unit_px)


def paint_obstacle(rng: np.random.Generator, canvas: Canvas, foot: FloatArray, unit_px: float) -> None:
    """Paint something in front of people: a bush, a box, a ball, a fence, a table, a sign.

    Args:
        rng: What and how large.
        canvas: On what.
        foot: Where it stands, image_px (2,).
        unit_px: A nearby person's unit.
    """
    x, floor = float(foot[0]), float(foot[1])
    wide, tall = rng.uniform(0.7, 1.7) * unit_px, rng.uniform(0.8, 2.4) * unit_px
    kind = int(rng.integers(6))
    colour = pick(rng, CLOTHES)
    if kind == 0:
        leaves = pick(rng, LEAVES)
        blobs = [
            Shape(disc(np.array([x + dx * wide, floor - dy * tall * 0.7]), 0.45 * wide), shade(leaves, light))
            for dx, dy, light in ((-0.5, 0.25, 0.85), (0.5, 0.3, 0.9), (0.0, 0.6, 1.0), (0.05, 0.2, 1.08))
        ]
        canvas.paint(blobs, OBJECT, 0.02 * unit_px)
    elif kind == 1:
        body = Shape(_box(x - wide / 2, floor - tall * 0.7, x + wide / 2, floor), colour)
        lid = Shape(
            _box(x - wide * 0.55, floor - tall * 0.7, x + wide * 0.55, floor - tall * 0.55),
            shade(colour, 0.8),
        )
        canvas.paint([body, lid], OBJECT, 0.02 * unit_px)
    elif kind == 2:
        radius = 0.42 * wide
        centre = np.array([x, floor - radius])
        canvas.paint([Shape(disc(centre, radius), colour)], OBJECT, 0.02 * unit_px)
        canvas.paint([Shape(disc(centre - 0.3 * radius, 0.4 * radius), shade(colour, 1.3))], None)
    elif kind == 3:
        wood = pick(rng, WOOD)
        boards = [
            Shape(
                _box(
                    x + dx * wide - 0.1 * unit_px, floor - tall * 0.55, x + dx * wide + 0.1 * unit_px, floor
                ),
                wood,
            )
            for dx in (-1.0, -0.5, 0.0, 0.5, 1.0)
        ]
        rails = [
            Shape(
                _box(
                    x - wide * 1.15,
                    floor - tall * at - 0.07 * unit_px,
                    x + wide * 1.15,
                    floor - tall * at + 0.07 * unit_px,
                ),
                shade(wood, 0.9),
            )
            for at in (0.18, 0.42)
        ]
        canvas.paint([*rails, *boards], OBJECT, 0.02 * unit_px)
    elif kind == 4:
        wood = pick(rng, WOOD)
        top = floor - 1.25 * unit_px
        legs = [
            Shape(
                _box(
                    x + side * wide * 0.85 - 0.07 * unit_px,
                    top,
                    x + side * wide * 0.85 + 0.07 * unit_px,
                    floor,
                ),
                shade(wood, 0.75),
            )
            for side in (-1, 1)
        ]
        board = Shape(_box(x - wide, top - 0.1 * unit_px, x + wide, top + 0.12 * unit_px), wood)
        canvas.paint([*legs, board], OBJECT, 0.02 * unit_px)
    else:
        pole = Shape(
            capsule(np.array([x, floor]), np.array([x, floor - tall * 1.5]), 0.07 * unit_px, 0.07 * unit_px),
            (90.0, 90.0, 90.0),
        )
        sign = Shape(_box(x - wide / 2.4, floor - tall * 1.7, x + wide / 2.4, floor - tall * 1.25), colour)
        canvas.paint([pole, sign], OBJECT, 0.02 * unit_px)


def _box(left: float, top: float, right: float, bottom: float) -> FloatArray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _ground(canvas: Canvas, horizon: float, colour: Colour) -> None:
    height, width = canvas.image.shape[:2]
    canvas.paint([Shape(_box(-2, horizon, width + 2, height + 2), colour)], None)
    for step, light in ((0.35, 1.05), (0.7, 1.1)):
        top = horizon + (height - horizon) * step
        canvas.paint([Shape(_box(-2, top, width + 2, height + 2), shade(colour, light))], None)


def _park(rng: np.random.Generator, canvas: Canvas, horizon: float, ground: Colour) -> None:
    """Paint sun, clouds, hills, a meadow and trees."""
    height, width = canvas.image.shape[:2]
    if rng.random() < 0.6:
        sun = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.08, 0.25) * height])
        canvas.paint([Shape(disc(sun, 0.05 * width), (150.0, 225.0, 255.0))], None)
    for _ in range(int(rng.integers(0, 4))):
        x, y, size = rng.uniform(0, width), rng.uniform(0.05, 0.3) * height, rng.uniform(0.03, 0.07) * width
        puffs = [disc(np.array([x + dx * size, y]), size * r) for dx, r in ((-1, 0.6), (0, 0.9), (1, 0.65))]
        canvas.paint([Shape(puff, (255.0, 252.0, 250.0)) for puff in puffs], None)
    for _ in range(int(rng.integers(1, 4))):
        x, size = rng.uniform(0, width), rng.uniform(0.2, 0.5) * width
        hill = disc(np.array([x, horizon + 0.6 * size]), size)
        canvas.paint([Shape(hill, shade(pick(rng, GROUNDS), rng.uniform(0.85, 1.05)))], None)
    _ground(canvas, horizon, ground)
    for _ in range(int(rng.integers(1, 5))):
        x, size = rng.uniform(0, width), rng.uniform(0.06, 0.13) * height
        floor = horizon + rng.uniform(0, 0.12) * height
        leaves = pick(rng, LEAVES)
        canvas.paint(
            [Shape(_box(x - 0.12 * size, floor - 1.6 * size, x + 0.12 * size, floor), pick(rng, WOOD))], None
        )
        crown = [
            disc(np.array([x + dx * size, floor - dy * size]), r * size)
            for dx, dy, r in ((-0.5, 1.7, 0.6), (0.5, 1.7, 0.6), (0, 2.3, 0.75))
        ]
        canvas.paint([Shape(part, leaves) for part in crown], None)


def _street(rng: np.random.Generator, canvas: Canvas, horizon: float, ground: Colour) -> None:
    """Paint houses with windows along a street."""
    width = canvas.image.shape[1]
    x = -rng.uniform(0, 0.1) * width
    while x < width:
        wide, tall = rng.uniform(0.16, 0.3) * width, rng.uniform(0.6, 1.05) * horizon
        wall = pick(rng, (*WALLS, *CLOTHES[:6]), 6)
        canvas.paint([Shape(_box(x, horizon - tall, x + wide, horizon + 2), wall)], None)
        pane = shade(wall, float(rng.choice([0.7, 1.4])))
        for column in range(3):
            for row in range(int(tall // (0.22 * wide + 14))):
                left, top = x + wide * (0.14 + 0.28 * column), horizon - tall + wide * (0.16 + 0.36 * row)
                if top + 0.2 * wide < horizon - 4:
                    canvas.paint([Shape(_box(left, top, left + 0.16 * wide, top + 0.2 * wide), pane)], None)
        x += wide
    _ground(canvas, horizon, ground)
    _scatter(rng, canvas, horizon)


def _room(rng: np.random.Generator, canvas: Canvas, horizon: float, ground: Colour) -> None:
    """Paint a wall with pictures and a window, and a floor with a rug."""
    height, width = canvas.image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        left, top = rng.uniform(0, 0.85) * width, rng.uniform(0.03, 0.35) * height
        wide, tall = rng.uniform(0.1, 0.22) * width, rng.uniform(0.1, 0.2) * height
        frame = Shape(_box(left, top, left + wide, top + tall), pick(rng, WOOD))
        inner = Shape(_box(left + 5, top + 5, left + wide - 5, top + tall - 5), pick(rng, (*SKIES, *CLOTHES)))
        canvas.paint([frame, inner], None)
    _ground(canvas, horizon, ground)
    canvas.paint([Shape(_box(-2, horizon - 5, width + 2, horizon + 4), shade(ground, 0.8))], None)
    if rng.random() < 0.5:
        x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(horizon + 0.1 * height, height)
        rug = hull((disc(np.zeros(2), 1.0) * [0.28 * width, 0.06 * height]) + [x, y])
        canvas.paint([Shape(rug, pick(rng, CLOTHES))], None)
    _scatter(rng, canvas, horizon)


def _scatter(rng: np.random.Generator, canvas: Canvas, horizon: float) -> None:
    """Paint a few things without meaning, so that not everything with an edge is a person."""
    height, width = canvas.image.shape[:2]
    for _ in range(int(rng.integers(0, 6))):
        place = np.array([rng.uniform(0, width), rng.uniform(0.5 * horizon, height)])
        size = rng.uniform(0.01, 0.06) * height
        colour = pick(rng, CLOTHES)
        if rng.random() < 0.5:
            canvas.paint([Shape(disc(place, size), colour)], None)
        else:
            end = place + rng.normal(0, 3, 2) * size
            canvas.paint([Shape(capsule(place, end, 0.3 * size, 0.3 * size), colour)], None)
