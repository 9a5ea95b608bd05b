"""How large an image is as the App shows it, from its header where that tells."""

from __future__ import annotations

from pathlib import Path

from fo_pose_plugin.errors import ImageReadError

__all__ = ["read_image_size"]

_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})


def read_image_size(path: str | Path) -> tuple[int, int]:
    """Give an image's width and height after its EXIF rotation, without unpacking it.

    As in `inference.images`, JPEG and PNG are rotated and WebP is not. A PNG whose EXIF data come behind its
    pixels counts as not rotated.

    Raises:
        ImageReadError: If it is missing, or no image.
    """
    from PIL import Image, UnidentifiedImageError

    if not Path(path).is_file():
        raise ImageReadError(f"image {path} does not exist; was it moved or deleted?")
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = False
            if picture.format == "JPEG" or (picture.format == "PNG" and "exif" in picture.info):
                turned = picture.getexif().get(_ORIENTATION) in _TURNED
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise ImageReadError(f"{path} is no image that can be read") from error
    return (height, width) if turned else (width, height)
