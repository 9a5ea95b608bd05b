"""Pictures of one person's heatmaps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fo_pose_plugin.errors import ShapeError
from fo_pose_plugin.heatmaps.pictures import encode_jpeg, pack_atlas, shrink


def unpack(png: bytes, columns: int, size_wh: tuple[int, int], count: int) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.ndim == 2
    w, h = size_wh
    corners = [(k // columns * h, k % columns * w) for k in range(count)]
    return np.stack([picture[y : y + h, x : x + w] for y, x in corners])


@pytest.mark.parametrize("count", [1, 2, 17, 133])
def test_every_map_stands_in_its_tile(count: int) -> None:
    heatmaps = np.random.default_rng(count).uniform(-0.1, 0.9, (count, 8, 6)).astype(np.float32)
    atlas = pack_atlas(heatmaps)
    assert atlas.size_wh == (6, 8)
    tiles = unpack(atlas.png, atlas.columns, atlas.size_wh, count)
    values = tiles / 255 * np.array(atlas.peaks)[:, None, None]
    np.testing.assert_allclose(values, np.clip(heatmaps, 0, None), atol=0.9 / 255)
    assert all(tile.flat[one.argmax()] == 255 for tile, one in zip(tiles, heatmaps, strict=True))


def test_a_map_without_anything_above_0_is_empty() -> None:
    heatmaps = np.full((2, 4, 4), -1, dtype=np.float32)
    heatmaps[1, 2, 3] = 255.5
    atlas = pack_atlas(heatmaps)
    assert atlas.peaks == (0, 255.5)
    empty, full = unpack(atlas.png, atlas.columns, (4, 4), 2)
    assert not empty.any()
    assert full[2, 3] == 255
    assert full.sum() == 255
    assert "2 maps" in repr(atlas)


def test_what_is_no_stack_of_maps_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(K, h, w\)"):
        pack_atlas(np.zeros((4, 4), np.float32))
    with pytest.raises(ShapeError, match=r"\(K, h, w\)"):
        pack_atlas(np.zeros((0, 4, 4), np.float32))


def test_shrinking_averages_blocks() -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:2, :2] = 200
    picture[0, 2] = 100
    smaller = shrink(picture, 2)
    assert smaller.shape == (2, 3, 3)
    assert smaller[0, 0].tolist() == [200] * 3
    assert smaller[0, 1].tolist() == [25] * 3
    assert shrink(picture, 1) is picture


def test_a_jpeg_can_be_read_again() -> None:
    picture = np.full((20, 30, 3), (200, 40, 90), np.uint8)
    read = cv2.imdecode(np.frombuffer(encode_jpeg(picture), np.uint8), cv2.IMREAD_COLOR)
    assert read.shape == picture.shape
    assert np.abs(read.astype(int) - picture).max() < 8
