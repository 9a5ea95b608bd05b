"""Numbers of things, as sentences say them."""

from __future__ import annotations

__all__ = ["n_images", "n_people"]


def n_images(count: int) -> str:
    """Say how many images: "1 image", "2,000 images"."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def n_people(count: int) -> str:
    """Say how many people: "1 person", "2,000 people"."""
    return f"{count:,} {'person' if count == 1 else 'people'}"
