"""PNG files that are much larger than they look."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def png_file(width: int, height: int, packed_rows: bytes) -> bytes:
    """Give a PNG of 8-bit colour that claims a size, whatever its rows say."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed_rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def write_black_png(path: Path, width: int, height: int) -> None:
    """Write a valid PNG of black pixels; it takes a thousandth of its pixels on disk, and no memory.

    Args:
        path: Where.
        width: In pixels.
        height: In pixels, a multiple of 1000.
    """
    rows = 1000
    packer = zlib.compressobj(1)
    block = bytes(rows * (1 + width * 3))
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # the same for every further block
    checksum = (len(block) * (height // rows) % 65521) << 16 | 1  # Adler-32 of zeros
    end = b"\x03\x00" + struct.pack(">I", checksum)
    path.write_bytes(png_file(width, height, first + again * (height // rows - 1) + end))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
