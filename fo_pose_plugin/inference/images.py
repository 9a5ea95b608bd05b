"""Read images as FiftyOne's App shows them, ahead of time, in threads.

Coordinate space: image_px of the photo as it is shown, that is after its EXIF rotation.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ImageReadError

__all__ = ["MAX_PIXELS", "read_ahead", "read_image"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Half a gigabyte once decoded; more is a mistake or an attack, and Pillow refuses it a little above.
MAX_PIXELS = 178_000_000
# An uncompressed image of so many pixels with 16 bits of red, green and blue is smaller.
MAX_BYTES = 2**31
PNG_EXIF_CHUNK = b"eXIf"
# Sampled from the App's modal; in the dark theme, which is the default.
APP_BACKGROUND = (26, 26, 26, 255)
# What Pillow's decoders were seen to raise, or may raise, on damaged files.
_DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_image(path: str | Path) -> UInt8:
    """Read one image as a browser shows it in the App.

    EXIF rotation is applied, but not to WebP; grey and palette images become colour; 16 bits become 8 by
    dropping the low byte; CMYK is converted; transparent pixels are put over the App's dark background.

    Returns:
        (H, W, 3) uint8 in BGR order, as MMPose's models expect.

    Raises:
        ImageReadError: If the file is missing, empty, damaged, no image or too large.
    """
    file = Path(path)
    try:
        data = _read_file(file)
        image = _read_with_cv2(data) if _can_cv2_read(file, data) else None
        return _read_with_pillow(file, data) if image is None else image
    except MemoryError as error:
        raise ImageReadError(
            f"there is too little memory to open image {file}: close what else uses it, or scale it down"
        ) from error


def _read_file(file: Path) -> bytes:
    try:
        found = file.stat()
        # Reading a pipe or a device may never end.
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise ImageReadError(f"image {file} is no regular file: put an image there, or delete the sample")
        if found.st_size > MAX_BYTES:
            raise ImageReadError(
                f"image {file} has {found.st_size:,} bytes, more than the {MAX_BYTES:,} that are read; "
                "scale it down first"
            )
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise ImageReadError(
            f"image {file} does not exist; was it moved or deleted? Bring it back, or delete the sample"
        ) from error
    except OSError as error:
        raise ImageReadError(
            f"image {file} cannot be read: {error.strerror or error}; make it readable, or delete the sample"
        ) from error
    except ValueError as error:  # a path that the system cannot spell
        raise ImageReadError(f"{str(file)!r} is no path of an image: {error}; delete the sample") from error
    if not data:
        raise ImageReadError(f"image {file} is empty (0 bytes): copy it anew, or delete the sample")
    return data


def _can_cv2_read(file: Path, data: bytes) -> bool:
    """Whether cv2, the faster reader and the one MMPose uses, shows this image as the App does."""
    with _open(file, data) as header:
        w, h = header.size
        if w * h > MAX_PIXELS:
            raise ImageReadError(
                f"image {file} has {w}x{h} pixels, more than the {MAX_PIXELS:,} that are read; "
                "scale it down first"
            )
        return (
            header.format in {"JPEG", "PNG", "BMP"}
            and header.mode in {"RGB", "L"}
            and "transparency" not in header.info
            # cv2 turns JPEGs by their EXIF data. Pillow would decode a whole PNG to look for them.
            and not (header.format == "PNG" and PNG_EXIF_CHUNK in data)
        )


def _read_with_cv2(data: bytes) -> UInt8 | None:
    try:
        image: UInt8 | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # wider than a million pixels, or a header that contradicts itself
        return None
    return image


def _open(file: Path, data: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise ImageReadError(
            f"image {file} has more than the {MAX_PIXELS:,} pixels that are read; scale it down first"
        ) from error
    except (UnidentifiedImageError, *_DAMAGE) as error:
        # Not a word of what is in it: whoever may start a run may not be one who may read every file.
        raise ImageReadError(
            f"{file} is no image that can be read: make it a JPEG or PNG, or delete the sample"
        ) from error


def _read_with_pillow(file: Path, data: bytes) -> UInt8:
    from PIL import Image, ImageOps

    with _open(file, data) as picture:
        try:
            # Chromium rotates JPEG and PNG by EXIF and leaves WebP as it is (tried in the App).
            upright = picture if picture.format == "WEBP" else ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I") or upright.mode == "F":
                rgb = Image.fromarray(_to_8_bit(np.asarray(upright))).convert("RGB")
            elif upright.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in upright.info:
                rgba = upright.convert("RGBA")
                rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, APP_BACKGROUND), rgba).convert("RGB")
            else:
                rgb = upright.convert("RGB")
        except _DAMAGE as error:
            raise ImageReadError(
                f"image {file} is damaged: {error}; copy it anew, or delete the sample"
            ) from error
        return np.ascontiguousarray(np.asarray(rgb)[..., ::-1])


def _to_8_bit(pixels: npt.NDArray[Any]) -> UInt8:
    """Drop the low byte of 16-bit greys, as browsers do."""
    shifted: UInt8 = (np.clip(pixels, 0, 65535).astype(np.uint16) >> 8).astype(np.uint8)
    return shifted


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Result], *, workers: int, ahead: int
) -> Iterator[Result]:
    """Apply ``read`` in threads, a bounded number of items ahead, and give the results in order.

    An exception of ``read`` is raised at its item's turn. When the caller stops early, what has not begun
    is cancelled.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fo-pose-read") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(read, item))
                while waiting and (len(waiting) >= ahead or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
