"""That decoding what was encoded gives the keypoints that were written, and that damage is noticed."""

from __future__ import annotations

import bz2
import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fo_pose_plugin.errors import HeatmapError, ShapeError
from fo_pose_plugin.heatmaps.encoding import (
    HeatmapHeader,
    decode_heatmaps,
    encode_heatmaps,
    expected_bytes,
    read_header,
)

Maps = npt.NDArray[np.float32]
NEAR = 8  # how far from a peak faint values are kept, heatmap_px

KINDS = [
    "clean",
    "border",
    "flat",
    "two peaks",
    "noisy",
    "noise",
    "plateau",
    "negative",
    "deep",
    "zero",
    "one pixel",
]
SIZES = [(64, 48), (96, 72), (5, 7), (3, 3), (2, 9), (1, 1), (1, 12)]


def make_heatmaps(kind: str, seed: int, people: int, keypoints: int, size_hw: tuple[int, int]) -> Maps:
    rng = np.random.default_rng(seed)
    h, w = size_hw
    shape = (people, keypoints, h, w)
    heights = rng.uniform(0.01, 1.1, (people, keypoints, 1, 1))

    def gaussians(low: float, high: float) -> npt.NDArray[Any]:
        y, x = np.mgrid[:h, :w]
        centres = rng.uniform(low, high, (2, people, keypoints, 1, 1)) * np.array([w - 1, h - 1]).reshape(
            2, 1, 1, 1, 1
        )
        return np.exp(-((x - centres[0]) ** 2 + (y - centres[1]) ** 2) / 8) * heights

    maps = gaussians(0, 1)
    if kind == "border":
        maps = gaussians(0, 1).round(1) + gaussians(0, 0.1)
    elif kind == "flat":
        maps = np.broadcast_to(rng.choice([1e-38, 1e-6, 0.3, 255.0, -0.2], heights.shape), shape)
    elif kind == "two peaks":
        maps = np.maximum(maps, gaussians(0, 1) * rng.choice([0.1, 0.2, 0.83, 1.0]))
    elif kind == "noisy":
        maps = maps + rng.normal(0, 0.02, shape)
    elif kind == "noise":
        maps = rng.normal(0, 1, shape)
    elif kind == "plateau":
        maps = np.round(maps * 4) / 4
    elif kind == "negative":
        maps = maps - 2
    elif kind == "deep":
        maps = maps * 10.0 ** rng.integers(-6, 0) - rng.uniform(0, 5) * (rng.random(shape) > 0.7)
    elif kind == "zero":
        maps = np.zeros(shape)
    elif kind == "one pixel":
        maps = np.where(rng.random(shape) < 1 / (h * w), heights, 0)
    return np.ascontiguousarray(maps * rng.choice([1, 255]), dtype=np.float32)


def decode_msra(heatmaps: Maps) -> npt.NDArray[np.int64]:
    """MSRA's decoding in whole numbers: x, y, and the signs of right - left and lower - upper neighbour.

    Where the peak is not above 0 there is no keypoint: -1. Columns that MMPose leaves out count here.
    """
    h, w = heatmaps.shape[2:]
    flat = heatmaps.reshape(-1, h * w)
    keypoints = []
    for tile in flat:
        y, x = divmod(int(tile.argmax()), w)
        if tile.max() <= 0:
            keypoints.append((-1, -1, 0, 0))
            continue
        tile = tile.reshape(h, w)
        dx = np.sign(tile[y, x + 1] - tile[y, x - 1]) if 0 < x < w - 1 else 0
        dy = np.sign(tile[y + 1, x] - tile[y - 1, x]) if 0 < y < h - 1 else 0
        keypoints.append((x, y, int(dx), int(dy)))
    return np.array(keypoints, dtype=np.int64).reshape(-1, 4)


def check_round_trip(heatmaps: Maps) -> Maps:
    before = heatmaps.copy()
    decoded = decode_heatmaps(encode_heatmaps(heatmaps))
    np.testing.assert_array_equal(heatmaps, before)
    assert decoded.shape == heatmaps.shape
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decode_msra(decoded), decode_msra(heatmaps))
    return decoded


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    people=st.integers(0, 3),
    keypoints=st.sampled_from([1, 4, 17]),
    size_hw=st.sampled_from(SIZES),
)
def test_keypoints_stay(kind: str, seed: int, people: int, keypoints: int, size_hw: tuple[int, int]) -> None:
    heatmaps = make_heatmaps(kind, seed, people, keypoints, size_hw)
    decoded = check_round_trip(heatmaps)
    if not people:
        return
    peaks, lowest = heatmaps.max(axis=(2, 3)), heatmaps.min(axis=(2, 3))
    kept = (peaks <= 0) | (peaks >= 1e-30)
    np.testing.assert_array_equal(decoded.max(axis=(2, 3))[kept], peaks[kept])
    # 2 % is the floor; where a tile is deeper than high, or all below 0, the range decides.
    allowed = np.maximum(0.021 * np.abs(peaks), 2.5 * (peaks - lowest) / 255)
    assert (np.abs(decoded - heatmaps).max(axis=(2, 3)) <= np.maximum(allowed, 1e-29)).all()


@settings(max_examples=300, deadline=None)
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=4, max_dims=4, max_side=5),
        elements=st.one_of(
            st.floats(-(2.0**99), 2.0**99, width=32),
            st.sampled_from([0.0, -0.0, 1.0, 0.5, 2.0**-149, -(2.0**-149), 2.0**-126, 0.99, 1e-3]).map(
                np.float32
            ),
        ),
    )
)
def test_keypoints_stay_whatever_the_numbers(heatmaps: Maps) -> None:
    check_round_trip(heatmaps)


def test_equal_peaks_stay_equal_and_in_order() -> None:
    heatmaps = np.full((1, 1, 4, 4), 0.25, dtype=np.float32)
    heatmaps[0, 0, 1, 2] = heatmaps[0, 0, 2, 1] = 0.7
    decoded = check_round_trip(heatmaps)
    assert decoded[0, 0, 1, 2] == decoded[0, 0, 2, 1] == np.float32(0.7)
    flat = check_round_trip(np.full((1, 1, 4, 4), 0.3, dtype=np.float32))
    assert (flat == np.float32(0.3)).all()


def test_neighbours_that_share_a_level_are_parted() -> None:
    heatmaps = np.zeros((1, 3, 5, 5), dtype=np.float32)
    heatmaps[:, :, 2, 2] = 1
    heatmaps[0, 0, 2, [1, 3]] = [0.5, 0.5001]
    heatmaps[0, 1, [1, 3], 2] = [0.9999, 0.99989]
    heatmaps[0, 2, 2, [1, 3]] = [1e-9, 0]
    assert decode_msra(heatmaps).tolist() == [[2, 2, 1, 0], [2, 2, 0, -1], [2, 2, -1, 0]]
    check_round_trip(heatmaps)


def test_what_review_looks_at_stays() -> None:
    """A second peak, weak or strong, and where it is."""
    y, x = np.mgrid[:64, :48]
    for share in (0.1, 0.2, 0.83):
        first, second = (np.exp(-((x - cx) ** 2 + (y - 30) ** 2) / 8) for cx in (10, 36))
        heatmaps = (first + share * second)[None, None].astype(np.float32)
        right = check_round_trip(heatmaps)[0, 0, :, 24:]
        assert abs(right.max() - share) < 0.004
        assert divmod(int(right.argmax()), 24) == (30, 12)


@pytest.mark.parametrize(("size_hw", "reach"), [((64, 48), NEAR), ((32, 24), NEAR), ((96, 72), 12)])
def test_noise_below_the_floor_is_gone_but_around_the_peak(size_hw: tuple[int, int], reach: int) -> None:
    clean = make_heatmaps("clean", 1, 1, 17, size_hw)
    peaks = clean.max(axis=(2, 3), keepdims=True)
    noise = np.random.default_rng(1).uniform(0, 0.019, clean.shape) * peaks
    noisy = np.where(clean < 0.0005 * peaks, noise, clean).astype(np.float32)
    y, x = (axis[..., None, None] for axis in np.divmod(clean[0].reshape(17, -1).argmax(axis=1), size_hw[1]))
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]]
    near = (np.maximum(np.abs(rows - y), np.abs(columns - x)) <= reach)[None]
    decoded = check_round_trip(noisy)
    faint = (noisy < 0.019 * peaks) & (clean < 0.0005 * peaks)
    assert (decoded[faint & ~near] == 0).all()
    kept = faint & near
    assert kept.sum() > 1000
    assert (np.abs(decoded - noisy) <= 0.501 / 127 * peaks)[kept].all()
    assert len(encode_heatmaps(noisy)) < len(encode_heatmaps(clean)) + 0.8 * kept.sum() + 100


def test_nothing_but_float32_comes_back() -> None:
    heatmaps = make_heatmaps("clean", 1, 1, 2, (8, 6))
    for dtype in (np.float16, np.float64):
        assert decode_heatmaps(encode_heatmaps(heatmaps.astype(dtype))).dtype == np.float32
    transposed = np.ascontiguousarray(heatmaps.transpose(0, 1, 3, 2)).transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(
        decode_heatmaps(encode_heatmaps(transposed)), decode_heatmaps(encode_heatmaps(heatmaps))
    )


def test_a_file_tells_what_it_holds() -> None:
    data = encode_heatmaps(np.zeros((3, 2, 8, 6), np.float32), scale_max=255.0, origin="run_1/abc")
    assert read_header(data) == HeatmapHeader(3, 2, (6, 8), 255.0, "run_1/abc")
    empty = encode_heatmaps(np.zeros((0, 17, 64, 48), np.float32))
    assert read_header(empty) == HeatmapHeader(0, 17, (48, 64))
    assert decode_heatmaps(empty).shape == (0, 17, 64, 48)


def test_one_person_can_be_read() -> None:
    heatmaps = make_heatmaps("noisy", 3, 4, 5, (16, 12))
    data = encode_heatmaps(heatmaps)
    everyone = decode_heatmaps(data)
    np.testing.assert_array_equal(decode_heatmaps(data, [2, 0]), everyone[[2, 0]])
    assert decode_heatmaps(data, []).shape == (0, 5, 16, 12)
    for person in (4, -1):
        with pytest.raises(HeatmapError, match=f"no person {person}"):
            decode_heatmaps(data, [person])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e30])
def test_what_is_not_finite_is_named(value: float) -> None:
    heatmaps = np.zeros((2, 17, 8, 6), np.float32)
    heatmaps[1, 9, 3, 4] = value
    with pytest.raises(HeatmapError, match=r"keypoint 9 of person 1 .* at \(4, 3\)"):
        encode_heatmaps(heatmaps)


def test_wrong_arrays_are_refused() -> None:
    for wrong in (np.zeros((17, 64, 48), np.float32), np.zeros((1, 17, 64, 48), np.uint8)):
        with pytest.raises(ShapeError, match=r"\(N, K, h, w\)"):
            encode_heatmaps(wrong)
    for empty in ((1, 0, 4, 4), (1, 1, 0, 4), (1, 1, 4, 0), (1, 1, 1, 5000)):
        with pytest.raises(HeatmapError, match="cannot be kept"):
            encode_heatmaps(np.zeros(empty, np.float32))
    # A view of one value: nothing of that size is allocated.
    with pytest.raises(HeatmapError, match="more than"):
        encode_heatmaps(np.broadcast_to(np.float32(0), (300, 300, 64, 48)))
    with pytest.raises(HeatmapError, match="scale"):
        encode_heatmaps(np.zeros((1, 1, 2, 2), np.float32), scale_max=0)
    with pytest.raises(HeatmapError, match="ASCII"):
        encode_heatmaps(np.zeros((1, 1, 2, 2), np.float32), origin="é")


def test_every_damaged_byte_is_noticed() -> None:
    data = encode_heatmaps(make_heatmaps("noisy", 5, 2, 2, (8, 6)), origin="a/b")
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(HeatmapError):
            decode_heatmaps(bytes(damaged))
    for length in range(len(data)):
        with pytest.raises(HeatmapError):
            decode_heatmaps(data[:length])
    with pytest.raises(HeatmapError):
        decode_heatmaps(data + b"\0")


def resigned(content: bytes) -> bytes:
    return content + struct.pack("<I", zlib.crc32(content))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_forged_file_fails_as_a_heatmap_error_or_not_at_all(data: st.DataObject) -> None:
    """The checksum holds against damage, not against someone who computes it anew."""
    content = bytearray(encode_heatmaps(make_heatmaps("noisy", 5, 2, 2, (8, 6)), origin="a/b")[:-4])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(5, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(HeatmapError):
        decode_heatmaps(resigned(bytes(content)))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = bz2.compress(bytes(200_000_000))
    ranges = zlib.compress(bytes(9))
    start = struct.pack("<4sBB4HfI", b"FPHM", 2, 0, 1, 1, 8, 8, 1.0, len(ranges))
    forged = resigned(start + ranges + struct.pack("<I", len(bomb)) + bomb)
    tracemalloc.start()
    with pytest.raises(HeatmapError, match="does not unpack"):
        decode_heatmaps(forged)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    too_large = resigned(struct.pack("<4sBB4HfI", b"FPHM", 2, 0, 4096, 4096, 4096, 4096, 1.0, 0))
    with pytest.raises(HeatmapError, match="more than"):
        decode_heatmaps(too_large)


def test_a_newer_version_says_so() -> None:
    data = bytearray(encode_heatmaps(np.zeros((1, 1, 2, 2), np.float32)))
    data[4] = 3
    with pytest.raises(HeatmapError, match="version 3, this package reads version 2"):
        read_header(bytes(data))


def test_size_on_the_independent_maps(shared_data: Path) -> None:
    """Three people's real maps, of another runtime than the one the sizes were tuned on."""
    with np.load(shared_data / "reference" / "tinypose_256x192_heatmaps.npz") as file:
        heatmaps = np.stack([file[name] for name in file.files if name.startswith("hm_")])
    check_round_trip(heatmaps)
    size = len(encode_heatmaps(heatmaps))
    assert size / 3 < 5_000
    assert 0.3 < size / expected_bytes(3, 17, (48, 64)) < 1
