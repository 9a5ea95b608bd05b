"""That what is painted lies where the keypoints are."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import Crop, crop_affine, crop_from_box, input_to_image
from fo_pose_plugin.errors import HeatmapError, KeypointNameError, ShapeError
from fo_pose_plugin.heatmaps.overlay import (
    FAINTEST_LEVEL,
    MEGVII_PEAK_SHIFT_PX,
    heatmap_to_image_affine,
    overlay_name,
    overlay_size,
    paint_overlay,
    remove_overlay,
    write_overlay,
)
from fo_pose_plugin.inference.decoding import decode_heatmaps
from fo_pose_plugin.models.codecs import CodecKind, CodecSpec

INPUT_WH = (192, 256)
HEATMAP_WH = (48, 64)
CODECS: tuple[CodecKind, ...] = ("msra", "udp", "megvii")


def gaussians(
    centres_xy: npt.NDArray[np.float64], size_wh: tuple[int, int] = HEATMAP_WH
) -> npt.NDArray[np.float32]:
    """(K, h, w) for K centres, heatmap_px."""
    y, x = np.mgrid[: size_wh[1], : size_wh[0]]
    squared = (x - centres_xy[:, :1, None]) ** 2 + (y - centres_xy[:, 1:, None]) ** 2
    return np.exp(-squared / 8).astype(np.float32)


def painted_peak(overlay: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The middle of the strongest pixels, overlay_px."""
    y, x = np.nonzero(overlay == overlay.max())
    return np.array([x.mean(), y.mean()])


def keypoint_px(heatmaps: npt.NDArray[np.float32], crop: Crop, kind: CodecKind) -> npt.NDArray[np.float32]:
    """(K, 2) image_px, decoded and mapped as a run does it."""
    codec = CodecSpec(kind, INPUT_WH, HEATMAP_WH)
    decoded = decode_heatmaps(heatmaps[None] * (255 if kind == "megvii" else 1), codec)
    return input_to_image(decoded.keypoints_input_px, [crop], INPUT_WH)[0]


def to_overlay_px(
    points: npt.NDArray[np.float32], image_wh: tuple[int, int], overlay_hw: tuple[int, int]
) -> npt.NDArray[np.float64]:
    per_px = np.array(image_wh) / np.array(overlay_hw[::-1])
    return (points + 0.5) / per_px - 0.5


BOXES = {
    "all of it": (0, 0, 1279, 959),
    "upper left corner": (-150, -130, 260, 300),
    "lower right corner": (1000, 700, 1400, 1100),
    "upper right corner": (1100, -200, 1500, 180),
    "small": (600, 400, 632, 440),
    "tiny": (700, 300, 707, 310),
    "wide": (100, 500, 1200, 560),
}


@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("image_wh", [(1280, 960), (1279, 961), (960, 1280)], ids=str)
@settings(max_examples=25, deadline=None)
@given(x=st.integers(0, 47), y=st.integers(0, 63))
def test_the_painted_peak_is_the_keypoint(
    kind: CodecKind, box: tuple[float, ...], image_wh: tuple[int, int], x: int, y: int
) -> None:
    crop = crop_from_box(box, INPUT_WH)
    heatmaps = gaussians(np.array([[x, y]], dtype=np.float64))
    point = keypoint_px(heatmaps, crop, kind)[0]
    smooths_beyond_the_border = kind != "msra" and not (6 <= x < 42 and 6 <= y < 58)
    inside = (point > -0.5).all() and (point < np.array(image_wh) - 0.5).all()
    if smooths_beyond_the_border or not inside:
        return
    shift = MEGVII_PEAK_SHIFT_PX if kind == "megvii" else 0.0
    overlay = paint_overlay(
        heatmaps[None], [crop], image_wh, keypoints=None, udp=kind == "udp", peak_shift_px=shift
    )
    expected = to_overlay_px(point[None], image_wh, overlay.shape)[0]
    # Megvii moves a quarter pixel to one side or the other, also where both are equal but for rounding.
    allowed = 1.0
    if kind == "megvii":
        allowed += 0.25 * crop.scale_wh[0] / 48 / (image_wh[0] / overlay.shape[1])
    assert np.abs(painted_peak(overlay) - expected).max() <= allowed


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("corner", [(0, 0), (1279, 0), (0, 959), (1279, 959)], ids=str)
def test_a_peak_in_an_image_corner_is_painted_there(udp: bool, corner: tuple[int, int]) -> None:
    heatmaps = gaussians(np.array([[24, 32]], dtype=np.float64))
    middle = heatmap_to_image_affine(Crop((0.0, 0.0), (300.0, 400.0)), HEATMAP_WH, udp) @ (24, 32, 1)
    crop = Crop((corner[0] - middle[0], corner[1] - middle[1]), (300.0, 400.0))
    np.testing.assert_allclose(keypoint_px(heatmaps, crop, "udp" if udp else "msra")[0], corner, atol=0.05)
    overlay = paint_overlay(heatmaps[None], [crop], (1280, 960), keypoints=None, udp=udp)
    assert tuple(painted_peak(overlay)) == (639 if corner[0] else 0, 479 if corner[1] else 0)


@pytest.mark.parametrize("kind", CODECS[:2])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_between_heatmap_pixels_the_peak_is_half_a_heatmap_pixel_off_at_most(
    kind: CodecKind, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    crop = Crop((640.0, 480.0), (300.0, 400.0))
    heatmaps = gaussians(rng.uniform(3, 44, (1, 2)))
    point = keypoint_px(heatmaps, crop, kind)
    overlay = paint_overlay(heatmaps[None], [crop], (1280, 960), keypoints=None, udp=kind == "udp")
    expected = to_overlay_px(point, (1280, 960), overlay.shape)[0]
    overlay_px_per_heatmap_px = 300 / 47 / 2
    assert np.abs(painted_peak(overlay) - expected).max() <= 1 + 0.55 * overlay_px_per_heatmap_px


@pytest.mark.parametrize("udp", [False, True])
def test_the_affine_undoes_the_crops(udp: bool) -> None:
    """heatmap_px -> image_px -> input_px is the codec's own step from heatmap to input."""
    crop = Crop((333.25, 120.5), (96.0, 128.0))
    affine = heatmap_to_image_affine(crop, HEATMAP_WH, udp)
    points = np.array([[0, 0, 1], [47, 63, 1], [10, 20, 1]], dtype=np.float64)
    image = points @ affine.T
    codec = CodecSpec("udp" if udp else "msra", INPUT_WH, HEATMAP_WH)
    through = input_to_image(
        codec.heatmap_to_input(points[None, :, :2].astype(np.float32)), [crop], INPUT_WH
    )[0]
    np.testing.assert_allclose(image, through, atol=1e-3)
    if not udp:
        ones = np.ones((3, 1))
        np.testing.assert_allclose(
            np.hstack([image, ones]) @ crop_affine(crop, INPUT_WH, udp=False).T, 4 * points[:, :2], atol=1e-3
        )


@pytest.mark.parametrize("udp", [False, True])
def test_equal_to_a_warp_by_cv2(udp: bool) -> None:
    crop = Crop((310.0, 250.0), (300.0, 400.0))
    heatmaps = gaussians(np.array([[20.3, 31.6], [40.0, 5.0]]))[None]
    overlay = paint_overlay(heatmaps, [crop], (640, 480), keypoints=None, udp=udp)
    # cv2 rounds to 1/32 px, on a slope of at most 0.31 per heatmap px.
    warped = cv2.warpAffine(
        heatmaps[0].max(axis=0), heatmap_to_image_affine(crop, HEATMAP_WH, udp), (640, 480)
    )
    allowed = 0.31 * 255 / 32 + 1
    faint = warped * 255 < FAINTEST_LEVEL
    assert np.abs(warped * 255 - overlay)[~faint].max() < max(allowed, FAINTEST_LEVEL)
    assert np.abs(warped * 255 - overlay)[warped * 255 > FAINTEST_LEVEL + allowed].max() < allowed
    assert overlay[warped * 255 < FAINTEST_LEVEL - allowed].max() == 0


def test_background_is_zero_and_the_scale_is_one_for_all() -> None:
    crops = [Crop((160.0, 240.0), (150.0, 200.0)), Crop((480.0, 240.0), (150.0, 200.0))]
    heatmaps = np.stack([gaussians(np.array([[24.0, 32.0]])), 0.5 * gaussians(np.array([[24.0, 32.0]]))])
    heatmaps[heatmaps < 0.01] = -0.3
    overlay = paint_overlay(heatmaps, crops, (640, 480), keypoints=None, udp=False)
    assert overlay[240, 160] == 255
    assert overlay[240, 480] in (127, 128)
    assert (overlay == 0).mean() > 0.9
    assert not overlay[:, 270:370].any()
    times_255 = paint_overlay(255 * heatmaps, crops, (640, 480), keypoints=None, udp=False, scale_max=255)
    np.testing.assert_array_equal(times_255, overlay)
    assert paint_overlay(2 * heatmaps, crops, (640, 480), keypoints=None, udp=False).max() == 255


def test_only_the_chosen_keypoints_are_painted() -> None:
    crop = Crop((320.0, 240.0), (300.0, 400.0))
    heatmaps = gaussians(np.array([[10.0, 10.0], [24.0, 32.0], [40.0, 50.0]]))[None]
    every = [paint_overlay(heatmaps, [crop], (640, 480), keypoints=[k], udp=False) for k in range(3)]
    both = paint_overlay(heatmaps, [crop], (640, 480), keypoints=(0, 2), udp=False)
    np.testing.assert_array_equal(both, np.maximum(every[0], every[2]))
    whole = paint_overlay(heatmaps, [crop], (640, 480), keypoints=None, udp=False)
    np.testing.assert_array_equal(whole, np.maximum(both, every[1]))
    for wrong, message in (([3], "no keypoint 3"), ([-1], "no keypoint -1"), ([], "no keypoint was chosen")):
        with pytest.raises(KeypointNameError, match=message):
            paint_overlay(heatmaps, [crop], (640, 480), keypoints=wrong, udp=False)


def test_nobody_and_people_outside_give_an_empty_overlay() -> None:
    nobody = paint_overlay(np.zeros((0, 17, 64, 48), np.float32), [], (640, 480), keypoints=None, udp=False)
    assert nobody.shape == (480, 640)
    assert not nobody.any()
    far = [Crop((-500.0, 9000.0), (150.0, 200.0))]
    heatmaps = np.ones((1, 1, 64, 48), np.float32)
    assert not paint_overlay(heatmaps, far, (640, 480), keypoints=None, udp=False).any()


def test_sizes() -> None:
    assert overlay_size((1280, 960)) == (640, 480)
    assert overlay_size((300, 200)) == (300, 200)
    assert overlay_size((100, 4000)) == (16, 640)
    assert overlay_size((5000, 2)) == (640, 1)
    for wrong in ((0, 10), (10, -1)):
        with pytest.raises(ShapeError, match="at least"):
            overlay_size(wrong)
    with pytest.raises(ShapeError, match=r"\(2, K, h, w\)"):
        paint_overlay(
            np.zeros((1, 1, 4, 4), np.float32),
            [Crop((1.0, 1.0), (2.0, 2.0))] * 2,
            (9, 9),
            keypoints=None,
            udp=False,
        )
    with pytest.raises(ShapeError, match=r"at least \(2, 2\)"):
        heatmap_to_image_affine(Crop((1.0, 1.0), (2.0, 2.0)), (1, 2), True)


def test_twenty_people_of_133_keypoints_take_less_than_a_tenth_of_a_second() -> None:
    rng = np.random.default_rng(0)
    heatmaps = np.stack([gaussians(rng.uniform(0, 1, (133, 2)) * HEATMAP_WH) for _ in range(20)])
    crops = [Crop((float(x), float(y)), (300.0, 400.0)) for x, y in rng.uniform(0, 1000, (20, 2))]
    used = []
    for _ in range(5):
        start = time.thread_time()
        paint_overlay(heatmaps, crops, (1280, 960), keypoints=None, udp=False)
        used.append(time.thread_time() - start)
    assert min(used) < 0.1


def test_files_are_named_by_content(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    first = write_overlay(tmp_path / "a" / "b", "0123", pixels, root=tmp_path)
    np.testing.assert_array_equal(cv2.imread(str(first), cv2.IMREAD_UNCHANGED), pixels)
    assert first == tmp_path / "a" / "b" / overlay_name("0123", pixels)
    assert write_overlay(first.parent, "0123", pixels) == first
    second = write_overlay(first.parent, "0123", pixels + 1)
    assert second != first
    assert overlay_name("0123", pixels.reshape(4, 3)) != first.name
    assert sorted(first.parent.iterdir()) == sorted([first, second])
    size = first.stat().st_size
    assert remove_overlay(first, tmp_path) == size
    assert remove_overlay(first, tmp_path) == 0
    assert list(first.parent.iterdir()) == [second]


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"photo")
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"mine")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.png").symlink_to(outside)
    for path in (photo, outside, root / "link.png", root / ".." / "outside.png"):
        with pytest.raises(HeatmapError):
            remove_overlay(path, root)
    assert photo.exists()
    assert outside.exists()
    with pytest.raises(HeatmapError, match="cannot begin"):
        write_overlay(root, "../x", np.zeros((2, 2), np.uint8))
    for wrong in (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32), np.zeros((0, 2), np.uint8)):
        with pytest.raises(ShapeError, match=r"\(H, W\)"):
            write_overlay(root, "x", wrong)
