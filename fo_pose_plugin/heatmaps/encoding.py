"""Heatmaps of one sample as bytes, small and 8-bit, and back.

Spaces: heatmap_px throughout; (N people, K keypoints, h, w).

What is lost and what is kept exactly is told in `quantising`.

The file, little endian. Each person is a stream of its own, so that one can be read without the others:
    magic            4s  b"FPHM"
    version          B   2
    origin length    B
    N, K, h, w       4H
    codec scale      f   what a certain keypoint's peak is: 1, or 255 for Megvii
    ranges length    I
    origin           ASCII, whom the file belongs to
    ranges           zlib of the N x K peaks (f), lowest values (f), each byte by byte, and top levels (B)
    stream lengths   N I
    streams          bz2 of (K, h, w) residuals: level - the one above it, modulo 256
    checksum         I   crc32 of all before
Level q stands for lowest + (peak - lowest) * q / top; where that straddles 0, the level nearest 0 for 0.

On body heatmaps PNG was measured a quarter larger and three times as slow to write, lossless WebP as large
and six times as slow; neither has a checksum over everything, and WebP ends at 16,383 px. The figures come
from `benchmarks/heatmap_sizes.py`.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import HeatmapError, ShapeError
from fo_pose_plugin.heatmaps.quantising import TileRanges, find_ranges, finer_levels, level_values, quantise

__all__ = ["HeatmapHeader", "decode_heatmaps", "encode_heatmaps", "expected_bytes", "read_header"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]

MAGIC = b"FPHM"
VERSION = 2
LARGEST_VALUE = 1e30
MAX_SIDE = 4096
MAX_VALUES = 2**28  # 1 GiB as float32
MAX_ORIGIN = 255
BYTES_PER_VALUE = 0.078  # measured: 4.05 kB for 17 x 64 x 48

_FIXED = struct.Struct("<4sBB4HfI")
_CHECKSUM = struct.Struct("<I")
_RANGE_BYTES = 9


@dataclass(frozen=True, slots=True)
class HeatmapHeader:
    """What a file says of itself.

    Args:
        people: N.
        keypoints: K.
        size_wh: Width and height of a heatmap, heatmap_px.
        scale_max: The codec's scale: the peak of a keypoint that the model is certain of.
        origin: Whom the file belongs to.
    """

    people: int
    keypoints: int
    size_wh: tuple[int, int]
    scale_max: float = 1.0
    origin: str = ""

    def __post_init__(self) -> None:
        w, h = self.size_wh
        if (
            self.people < 0
            or min(self.keypoints, w, h) < 1
            or max(self.people, self.keypoints, w, h) > MAX_SIDE
        ):
            raise HeatmapError(
                f"{self.people} people with {self.keypoints} heatmaps of {w}x{h} cannot be kept: "
                f"expected at most {MAX_SIDE} of each, and at least one keypoint and pixel"
            )
        if self.people * self.keypoints * w * h > MAX_VALUES:
            raise HeatmapError(
                f"{self.people} people with {self.keypoints} heatmaps of {w}x{h} are more than the "
                f"{MAX_VALUES:,} values that one file may hold: keep fewer people, or no heatmaps"
            )
        if not np.isfinite(self.scale_max) or self.scale_max <= 0:
            raise HeatmapError(f"a codec's scale is positive and finite, got {self.scale_max}")
        if not self.origin.isascii() or len(self.origin) > MAX_ORIGIN:
            raise HeatmapError(f"an origin is at most {MAX_ORIGIN} ASCII characters, got {self.origin!r}")


def expected_bytes(people: int, keypoints: int, size_wh: tuple[int, int]) -> int:
    """Estimate what heatmaps take on disk, from the mean over photos; noisy maps take up to twice as much."""
    size_px = size_wh[0] * size_wh[1]
    return round(people * keypoints * size_px * BYTES_PER_VALUE * finer_levels(size_px))


def encode_heatmaps(heatmaps: npt.ArrayLike, *, scale_max: float = 1.0, origin: str = "") -> bytes:
    """Turn the heatmaps of one sample into a file's bytes.

    Args:
        heatmaps: (N, K, h, w) floating point, in the model's own scale; N may be 0.
        scale_max: The codec's scale, 255 for Megvii.
        origin: Whom the file belongs to, at most 255 ASCII characters.

    Raises:
        ShapeError: If it is no (N, K, h, w) array.
        HeatmapError: If a value is not finite or beyond 1e30, or there are too many values.
    """
    maps = np.asarray(heatmaps)
    if maps.ndim != 4 or not np.issubdtype(maps.dtype, np.floating):
        raise ShapeError(f"heatmaps ({maps.dtype})", maps.shape, "(N, K, h, w), floating point")
    people, keypoints, h, w = maps.shape
    header = HeatmapHeader(people, keypoints, (w, h), scale_max, origin)
    _check_values(maps)
    parts = [_encode_person(person) for person in maps]
    packed_ranges = zlib.compress(_pack_ranges([ranges for ranges, _ in parts]), 9)
    start = _FIXED.pack(MAGIC, VERSION, len(origin), people, keypoints, h, w, scale_max, len(packed_ranges))
    streams = [stream for _, stream in parts]
    lengths = np.array([len(stream) for stream in streams], dtype="<u4").tobytes()
    content = b"".join([start, header.origin.encode("ascii"), packed_ranges, lengths, *streams])
    return content + _CHECKSUM.pack(zlib.crc32(content))


def read_header(data: bytes) -> HeatmapHeader:
    """Read what a file says of itself, before anything is unpacked.

    Raises:
        HeatmapError: If it is no file of heatmaps, of a newer version, damaged or too large.
    """
    if len(data) < _FIXED.size + _CHECKSUM.size or data[:4] != MAGIC:
        raise HeatmapError("this is no file of heatmaps")
    _, version, origin_length, people, keypoints, h, w, scale_max, _ = _FIXED.unpack_from(data)
    if version != VERSION:
        raise HeatmapError(
            f"the heatmaps are of format version {version}, this package reads version {VERSION}: update "
            "it, or estimate the poses anew with it"
        )
    (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
    if zlib.crc32(memoryview(data)[: -_CHECKSUM.size]) != checksum:
        raise HeatmapError("the file is damaged: its checksum does not match")
    origin = data[_FIXED.size : _FIXED.size + origin_length].decode("ascii", errors="replace")
    return HeatmapHeader(people, keypoints, (w, h), scale_max, origin)


def decode_heatmaps(data: bytes, people: Sequence[int] | None = None) -> Float32:
    """Give the heatmaps back.

    Args:
        data: What `encode_heatmaps` made.
        people: Whose, by index; None for all.

    Returns:
        (N, K, h, w) float32, in the model's own scale; N is ``len(people)`` where given.

    Raises:
        HeatmapError: If the file is damaged, too large or of a newer version, or a person is not in it.
    """
    header = read_header(data)
    n, k, (w, h) = header.people, header.keypoints, header.size_wh
    chosen = range(n) if people is None else people
    for person in chosen:
        if not 0 <= person < n:
            raise HeatmapError(f"there is no person {person}: the file holds {n}, counted from 0")
    packed_ranges, streams = _split(data, header)
    ranges = _unpack_ranges(_inflate(zlib.decompressobj(), packed_ranges, n * k * _RANGE_BYTES), n, k)
    heatmaps = np.empty((len(chosen), k, h, w), dtype=np.float32)
    for person, out in zip(chosen, heatmaps, strict=True):
        residuals = _inflate(bz2.BZ2Decompressor(), streams[person], k * h * w)
        levels = _levels(np.frombuffer(residuals, dtype=np.uint8).reshape(k, h, w))
        for tile, values, heatmap in zip(levels, level_values(ranges[person]), out, strict=True):
            np.take(values, tile, out=heatmap, mode="clip")
    return heatmaps


def _encode_person(person: npt.NDArray[np.floating]) -> tuple[TileRanges, bytes]:
    """Give the ranges and the stream of one (K, h, w)."""
    keypoints, h, w = person.shape
    tiles = np.ascontiguousarray(person, dtype=np.float32).reshape(keypoints, h * w)
    ranges = find_ranges(tiles)
    residuals = _residuals(quantise(tiles, ranges, w).reshape(person.shape))
    # bz2 takes memory by block size, which is given in units of 100 kB.
    return ranges, bz2.compress(residuals.tobytes(), min(9, residuals.size // 100_000 + 1))


def _check_values(maps: npt.NDArray[np.floating]) -> None:
    """Refuse what has no place on a scale, and say where it is."""
    # NaN fails every comparison.
    if maps.size and not (float(maps.max()) <= LARGEST_VALUE and float(maps.min()) >= -LARGEST_VALUE):
        bad = ~(np.abs(maps.astype(np.float64)) <= LARGEST_VALUE)
        person, keypoint, y, x = (int(i) for i in np.argwhere(bad)[0])
        raise HeatmapError(
            f"the heatmap of keypoint {keypoint} of person {person} holds {maps[person, keypoint, y, x]} at "
            f"({x}, {y}): expected finite values up to {LARGEST_VALUE:.0e}. The model's output is broken; "
            "try another device or full precision"
        )


def _residuals(levels: UInt8) -> UInt8:
    """Subtract from each level the one above it; modulo 256, (..., h, w).

    Subtracting the left neighbour too makes nothing smaller where maps are clean, and noise a tenth larger.
    """
    residuals: UInt8 = levels.copy()
    residuals[..., 1:, :] -= levels[..., :-1, :]
    return residuals


def _levels(residuals: UInt8) -> UInt8:
    """Undo `_residuals`. Row by row is four times as fast as np.cumsum."""
    levels: UInt8 = residuals.copy()
    for y in range(1, levels.shape[-2]):
        levels[..., y, :] += levels[..., y - 1, :]
    return levels


def _pack_ranges(ranges: Sequence[TileRanges]) -> bytes:
    """Lay N people's ranges out byte by byte: the upper bytes of floats are alike and compress."""
    floats = np.array([[r.peak for r in ranges], [r.lowest for r in ranges]], dtype="<f4")
    planes = np.ascontiguousarray(floats.reshape(-1)).view(np.uint8).reshape(2, -1, 4).transpose(0, 2, 1)
    return b"".join([planes.tobytes(), *(r.top.tobytes() for r in ranges)])


def _unpack_ranges(packed: bytes, people: int, keypoints: int) -> list[TileRanges]:
    """Undo `_pack_ranges`."""
    tiles = people * keypoints
    raw = np.frombuffer(packed, dtype=np.uint8)
    planes = np.ascontiguousarray(raw[: 8 * tiles].reshape(2, 4, tiles).transpose(0, 2, 1))
    floats = planes.view("<f4").reshape(2, people, keypoints).astype(np.float32)
    if not np.isfinite(floats).all():
        raise HeatmapError("the file is damaged: a heatmap's range is not finite")
    top = raw[8 * tiles :].reshape(people, keypoints)
    return [TileRanges(floats[1, n], floats[0, n], top[n]) for n in range(people)]


def _split(data: bytes, header: HeatmapHeader) -> tuple[bytes, list[bytes]]:
    """Cut a file into its packed ranges and its N streams, and see that nothing is missing or left over."""
    ranges_length = _FIXED.unpack_from(data)[-1]
    end = len(data) - _CHECKSUM.size
    ranges_at = _FIXED.size + len(header.origin)
    lengths_at = ranges_at + ranges_length
    streams_at = lengths_at + 4 * header.people
    if streams_at > end:
        raise HeatmapError("the file is damaged: it ends too early")
    lengths = np.frombuffer(data, dtype="<u4", count=header.people, offset=lengths_at).astype(np.int64)
    ends = streams_at + np.cumsum(lengths)
    if (ends[-1] if header.people else streams_at) != end:
        raise HeatmapError("the file is damaged: its parts do not add up to its length")
    streams = [data[b - size : b] for b, size in zip(ends.tolist(), lengths.tolist(), strict=True)]
    return data[ranges_at:lengths_at], streams


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _inflate(decompressor: _Decompressor, packed: bytes, size: int) -> bytes:
    """Unpack exactly ``size`` bytes: what would give more is not unpacked further."""
    try:
        content = decompressor.decompress(packed, size + 1)
    except (OSError, zlib.error, ValueError, EOFError) as error:
        raise HeatmapError(f"the file is damaged: {error}") from error
    if len(content) != size or not decompressor.eof:
        raise HeatmapError(f"the file is damaged: a part does not unpack to the {size:,} bytes it should")
    return content
