"""Every kind of image file is read as a browser shows it, or refused in words."""

from __future__ import annotations

import io
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fo_pose_plugin.errors import ImageReadError
from fo_pose_plugin.inference.images import MAX_PIXELS, read_ahead, read_image
from tests.png_files import png_file

UInt8 = npt.NDArray[np.uint8]
ORIENTATION = 0x0112
BACKGROUND = 26  # the App's, on which transparent pixels are shown


@pytest.fixture
def colours() -> UInt8:
    """A (16, 24, 3) RGB picture without symmetry, smooth enough for JPEG."""
    y, x = np.mgrid[0:16, 0:24]
    return np.stack([x * 10, y * 15, 255 - x * 5 - y * 7], axis=-1).astype(np.uint8)


def rgb(path: Path) -> npt.NDArray[np.int64]:
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    return image[..., ::-1].astype(np.int64)


# How a browser shows a picture that was stored with this orientation.
UPRIGHT: dict[int, Callable[[UInt8], UInt8]] = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: p.transpose(1, 0, 2)[:, ::-1],
    7: lambda p: p.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda p: p.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpegs_are_turned_by_their_exif_orientation(
    tmp_path: Path, colours: UInt8, orientation: int, mode: str
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    expected = UPRIGHT[orientation](np.asarray(picture.convert("RGB"))).astype(np.int64)
    found = rgb(tmp_path / "a.jpg")
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_pngs_are_turned_by_their_exif_chunk(
    tmp_path: Path, colours: UInt8, orientation: int, mode: str
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(
        rgb(tmp_path / "a.png"), UPRIGHT[orientation](np.asarray(picture.convert("RGB")))
    )


def test_webp_is_left_as_it_is_stored(tmp_path: Path, colours: UInt8) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(colours).save(tmp_path / "a.webp", exif=exif, lossless=True)
    np.testing.assert_array_equal(rgb(tmp_path / "a.webp"), colours)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_colours_are_read_exactly(tmp_path: Path, colours: UInt8, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(colours).save(tmp_path / f"a.{suffix}", **options)
    np.testing.assert_array_equal(rgb(tmp_path / f"a.{suffix}"), colours)


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff"])
@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palette_become_colour(
    tmp_path: Path, colours: UInt8, suffix: str, mode: str
) -> None:
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(rgb(tmp_path / f"a.{suffix}"), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_grey_loses_its_low_byte(tmp_path: Path, colours: UInt8, suffix: str) -> None:
    low = np.arange(24, dtype=np.uint16)[None] * 11 % 256
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), colours[..., 0].astype(np.uint16) * 256 + low)
    np.testing.assert_array_equal(rgb(tmp_path / f"a.{suffix}"), np.repeat(colours[..., :1], 3, axis=2))


def test_16_bit_colour_loses_its_low_byte(tmp_path: Path, colours: UInt8) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), colours[..., ::-1].astype(np.uint16) * 256 + 255)
    np.testing.assert_array_equal(rgb(tmp_path / "a.png"), colours)


def test_cmyk_becomes_colour(tmp_path: Path, colours: UInt8) -> None:
    Image.fromarray(colours).convert("CMYK").save(tmp_path / "a.jpg", quality=95, subsampling=0)
    assert np.abs(rgb(tmp_path / "a.jpg") - colours).max() <= 12


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_transparent_pixels_show_the_apps_background(
    tmp_path: Path, colours: UInt8, mode: str, suffix: str
) -> None:
    alpha = np.zeros((16, 24), np.uint8)
    alpha[:, 8:] = 128
    alpha[:, 16:] = 255
    picture = Image.fromarray(colours).convert("L" if mode == "LA" else "RGB")
    opaque = np.asarray(picture.convert("RGB")).astype(np.float64)
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / f"a.{suffix}", **({"lossless": True, "exact": True} if suffix == "webp" else {}))
    share = alpha[..., None] / 255
    expected = opaque * share + BACKGROUND * (1 - share)
    found = rgb(tmp_path / f"a.{suffix}")
    assert np.abs(found - expected).max() <= 1
    assert (found[:, :8] == BACKGROUND).all()
    np.testing.assert_array_equal(found[:, 16:], opaque[:, 16:])


@pytest.mark.parametrize(("mode", "transparent"), [("L", 40), ("RGB", (0, 0, 255)), ("P", 0)])
def test_a_transparent_colour_shows_the_background(tmp_path: Path, mode: str, transparent: Any) -> None:
    picture = Image.new("RGB", (4, 4), (200, 100, 50)).convert(mode)
    picture.putpixel((1, 2), transparent)
    if mode == "P":
        picture.putpalette([9, 9, 9, 200, 100, 50])
        picture.paste(1, (0, 0, 4, 4))
        picture.putpixel((1, 2), 0)
    picture.save(tmp_path / "a.png", transparency=transparent)
    found = rgb(tmp_path / "a.png")
    assert (found[2, 1] == BACKGROUND).all()
    assert (found[0, 0] == np.asarray(picture.convert("RGB"))[0, 0]).all()


def test_the_smallest_image_and_a_very_wide_one(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(rgb(tmp_path / "a.png"), [[[1, 2, 3]]])
    for suffix in ("png", "bmp"):  # beyond cv2's own limit, which it tells in two ways
        Image.new("RGB", (1_100_000, 1), (1, 2, 3)).save(tmp_path / f"b.{suffix}")
        assert rgb(tmp_path / f"b.{suffix}").shape == (1, 1_100_000, 3)


def test_the_suffix_does_not_matter(tmp_path: Path, colours: UInt8) -> None:
    Image.fromarray(colours).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(rgb(tmp_path / "a.jpg"), colours)


def test_what_is_no_image_is_refused_in_words(tmp_path: Path) -> None:
    for name, content in {
        "text.jpg": b"this is text\n",
        "empty.png": b"",
        "start.jpg": b"\xff\xd8\xff",
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    for name, words in {
        "text.jpg": r"text\.jpg is no image that can be read: make it a JPEG or PNG",
        "empty.png": r"empty\.png is empty \(0 bytes\)",
        "start.jpg": r"start\.jpg is no image",
        "folder.jpg": r"folder\.jpg cannot be read: Is a directory",
        "missing.jpg": r"missing\.jpg does not exist; was it moved or deleted\?",
    }.items():
        with pytest.raises(ImageReadError, match=words):
            read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "gif", "tiff"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_refused_instead_of_half_read(
    tmp_path: Path, colours: UInt8, suffix: str, share: float
) -> None:
    path = tmp_path / f"a.{suffix}"
    large = np.tile(colours, (8, 8, 1)) ^ np.random.default_rng(0).integers(0, 32, (128, 192, 3), np.uint8)
    Image.fromarray(large).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ImageReadError, match=rf"a\.{suffix} is (damaged|no image)"):
        read_image(path)


@pytest.mark.parametrize("size_wh", [(30_000, 20_000), (16_000, 12_000), (MAX_PIXELS // 10_000 + 1, 10_000)])
def test_more_pixels_than_memory_is_worth_are_refused_by_the_header(
    tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    # A file of some dozen bytes that claims to be large.
    (tmp_path / "bomb.png").write_bytes(png_file(*size_wh, zlib.compress(b"\0" * 64)))
    with pytest.raises(ImageReadError, match=r"more than the 178,000,000 (pixels )?that are read"):
        read_image(tmp_path / "bomb.png")


def test_too_little_memory_for_an_image_is_said_of_that_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGBA", (4, 4)).save(tmp_path / "large.png")

    def full(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "alpha_composite", full)
    with pytest.raises(
        ImageReadError, match=r"too little memory to open image .*large\.png: close what else"
    ):
        read_image(tmp_path / "large.png")


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGB", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGB", "BMP"),
        ("P", "GIF"),
        ("RGBA", "WEBP"),
        ("RGB", "TIFF"),
    ],
)
def test_damage_of_any_sort_raises_nothing_else(tmp_path: Path, colours: UInt8, mode: str, kind: str) -> None:
    rng = np.random.default_rng(7)
    whole = encoded(Image.fromarray(colours).convert(mode), kind)
    path = tmp_path / "a"
    refused = 0
    for attempt in range(60):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 5)):
            # Early bytes are the headers, where damage does most.
            position = int(rng.integers(min(len(damaged), 80 if attempt % 2 else len(damaged))))
            damaged[position] = int(rng.integers(256))
        path.write_bytes(damaged)
        try:
            read_image(path)
        except ImageReadError:
            refused += 1
    assert refused > 0


def test_results_come_in_order_whatever_takes_longest() -> None:
    def slow_when_early(item: int) -> int:
        time.sleep(0.02 if item % 4 == 0 else 0)
        return item * item

    found = list(read_ahead(range(40), slow_when_early, workers=4, ahead=8))
    assert found == [item * item for item in range(40)]
    assert list(read_ahead([], slow_when_early, workers=4, ahead=8)) == []


def test_an_error_is_raised_at_its_items_turn() -> None:
    def read(item: int) -> int:
        if item == 3:
            raise ImageReadError("item 3")
        return item

    results = read_ahead(range(10), read, workers=4, ahead=8)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageReadError, match="item 3"):
        next(results)


def first_is_slow(item: int) -> int:
    time.sleep(0.3 if item == 0 else 0)
    return item


def test_reading_ahead_is_bounded() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = read_ahead(items(), first_is_slow, workers=2, ahead=5)
    assert taken == []
    assert next(results) == 0
    assert taken == [0, 1, 2, 3, 4]
    for expected in range(1, 20):
        assert next(results) == expected
        assert len(taken) <= expected + 5
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 25


def test_what_is_ready_is_given_before_more_is_taken() -> None:
    def items() -> Iterator[int]:
        yield 0
        time.sleep(0.3)
        yield 1
        pytest.fail("more was taken although the first was ready")

    results = read_ahead(items(), lambda item: item, workers=2, ahead=50)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]


def test_stopping_early_cancels_what_has_not_begun() -> None:
    begun = []
    gate = threading.Event()

    def read(item: int) -> int:
        begun.append(item)
        if item > 0:
            gate.wait(10)
        return first_is_slow(item)

    before = threading.active_count()
    results = read_ahead(range(100), read, workers=2, ahead=50)
    assert next(results) == 0  # by now 49 others are waiting
    threading.Timer(0.1, gate.set).start()
    results.close()  # type: ignore[attr-defined]
    # Each worker was in one item, and may have taken another before it was cancelled.
    assert len(begun) <= 5
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
