"""What a drawn person wears and looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fo_pose_plugin.demo.drawn_people.canvas import Colour

__all__ = ["HairStyle", "Outfit", "from_hex", "pick"]

HairStyle: TypeAlias = Literal["short", "long", "bun", "bald", "cap"]
TopPattern: TypeAlias = Literal["plain", "stripes", "buttons", "badge", "zip"]

SKIN = ("ffdbc4", "f6c9a4", "eab68d", "d99f74", "c08457", "9c6544", "7a4b31", "5a3726")
HAIR = ("2b2118", "47301f", "6e4a2c", "97683a", "c99b53", "a33f21", "3b3a40", "8d8d92", "1d2433")
CLOTHES = (
    "e4572e", "f3a712", "29335c", "669bbc", "2a9d8f", "8ab17d", "e9c46a", "b5838d", "6d597a", "355070",
    "ef476f", "118ab2", "06a77d", "f4f1de", "e07a5f", "3d405b", "81b29a", "d4a373", "faedcd", "bc4749",
    "5e548e", "9f86c0", "457b9d", "ffffff", "343a40", "ffafcc", "a2d2ff", "588157",
)  # fmt: skip
TROUSERS = (
    "1d3557",
    "264653",
    "3d405b",
    "343a40",
    "6b705c",
    "7f5539",
    "457b9d",
    "8d99ae",
    "b08968",
    "22223b",
)
SHOES = ("22223b", "ffffff", "c1121f", "7f5539", "f4f1de", "ffb703", "212529", "3a86ff", "6c757d")


def from_hex(text: str) -> Colour:
    """Read ``rrggbb``."""
    red, green, blue = (float(int(text[start : start + 2], 16)) for start in (0, 2, 4))
    return (blue, green, red)


def pick(rng: np.random.Generator, colours: tuple[str, ...], spread: float = 8.0) -> Colour:
    """Draw a colour near one of a palette."""
    chosen = np.array(from_hex(colours[int(rng.integers(len(colours)))]))
    blue, green, red = np.clip(chosen + rng.normal(0, spread, 3), 0, 255).tolist()
    return (blue, green, red)


@dataclass(frozen=True, slots=True)
class Outfit:
    """Looks and clothes.

    Args:
        skin: Its colour.
        hair: Its colour.
        hair_style: How it is worn, or what is worn on it.
        top: Colour of shirt or dress.
        accent: Colour of what is on the top.
        pattern: What is on the top.
        sleeves: 0 none, 0.5 to the elbow, 1 to the wrist.
        trousers: Their colour, or the skirt's.
        trouser_length: 0.45 above the knee, 1 to the ankle.
        skirt: Whether a skirt is worn.
        shoes: Their colour.
        backpack: Whether one is worn, which is seen from behind.
        bulk: Factor on how loose the clothes are.
    """

    skin: Colour
    hair: Colour
    hair_style: HairStyle
    top: Colour
    accent: Colour
    pattern: TopPattern
    sleeves: float
    trousers: Colour
    trouser_length: float
    skirt: bool
    shoes: Colour
    backpack: bool
    bulk: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Outfit:
        """Dress somebody."""
        styles: tuple[HairStyle, ...] = ("short", "long", "bun", "bald", "cap")
        patterns: tuple[TopPattern, ...] = ("plain", "stripes", "buttons", "badge", "zip")
        return cls(
            skin=pick(rng, SKIN, 4),
            hair=pick(rng, HAIR, 5),
            hair_style=styles[int(rng.choice(5, p=[0.42, 0.25, 0.13, 0.07, 0.13]))],
            top=pick(rng, CLOTHES),
            accent=pick(rng, CLOTHES),
            pattern=patterns[int(rng.choice(5, p=[0.3, 0.2, 0.2, 0.18, 0.12]))],
            sleeves=float(rng.choice([0.0, 0.5, 1.0], p=[0.1, 0.4, 0.5])),
            trousers=pick(rng, TROUSERS),
            trouser_length=float(rng.choice([0.45, 1.0], p=[0.25, 0.75])),
            skirt=bool(rng.random() < 0.13),
            shoes=pick(rng, SHOES),
            backpack=bool(rng.random() < 0.2),
            bulk=float(rng.uniform(0.92, 1.12)),
        )
