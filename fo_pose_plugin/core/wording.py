"""Numbers of things, as sentences say them."""

from __future__ import annotations

__all__ = ["counted", "n_images", "n_people"]


def counted(count: int, one: str, many: str = "") -> str:
    """Say how many there are of something: "1 photo", "2,000 photos"; ``many`` if it takes more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def n_images(count: int) -> str:
    """Say how many images: "1 image", "2,000 images"."""
    return counted(count, "image")


def n_people(count: int) -> str:
    """Say how many people: "1 person", "2,000 people"."""
    return counted(count, "person", "people")
