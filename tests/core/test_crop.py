"""From boxes to crops and back, against MMPose's own functions and by round trips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import (
    Crop,
    crop_affine,
    crop_from_box,
    input_to_image,
    rel_to_px,
    xywh_rel_to_xyxy_px,
)
from fo_pose_plugin.errors import BoxError, ShapeError

NAN, INF = math.nan, math.inf
SIZES = st.sampled_from([(192, 256), (96, 128), (288, 384), (256, 256), (384, 288)])
sizes_px = st.floats(2, 3000)
corners_px = st.floats(-1000, 4000)
boxes = st.tuples(corners_px, corners_px, sizes_px, sizes_px).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def apply(affine: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return points @ affine[:, :2].T + affine[:, 2]


@pytest.fixture(scope="module")
def transforms() -> Any:
    """MMPose's transforms of boxes."""
    pytest.importorskip("mmpose")
    from fo_pose_plugin.models import openmmlab

    openmmlab.prepare()
    from mmpose.structures.bbox import transforms

    return transforms


@given(boxes, SIZES, st.floats(1, 2))
def test_a_crop_holds_its_box_and_has_the_inputs_shape(
    box: tuple[float, ...], size_wh: tuple[int, int], padding: float
) -> None:
    crop = crop_from_box(box, size_wh, padding)
    (cx, cy), (w, h) = crop.center_xy, crop.scale_wh
    assert math.isclose(w / h, size_wh[0] / size_wh[1], rel_tol=1e-5)
    slack = 1e-3  # float32 at thousands of pixels
    assert cx - w / 2 <= box[0] + slack
    assert cx + w / 2 >= box[2] - slack
    assert cy - h / 2 <= box[1] + slack
    assert cy + h / 2 >= box[3] - slack
    # One side is the padded box's own; the other was widened.
    tight = (w / (padding * (box[2] - box[0])), h / (padding * (box[3] - box[1])))
    assert math.isclose(min(tight), 1, rel_tol=1e-3)


@pytest.mark.parametrize(
    "box", [(10, 20, 110, 320), (10, 20, 410, 120), (-33.3, 7.25, 60.1, 99.9), (0, 0, 192, 256)]
)
@pytest.mark.parametrize("size_wh", [(192, 256), (256, 256), (384, 288)])
def test_a_crop_is_mmposes(transforms: Any, box: tuple[float, ...], size_wh: tuple[int, int]) -> None:
    from mmpose.datasets.transforms import TopdownAffine

    crop = crop_from_box(box, size_wh)
    center, scale = transforms.bbox_xyxy2cs(np.array(box, np.float32), padding=1.25)
    fixed = TopdownAffine._fix_aspect_ratio(scale[None], aspect_ratio=size_wh[0] / size_wh[1])[0]
    np.testing.assert_array_equal(np.float32(crop.center_xy), center)
    np.testing.assert_allclose(crop.scale_wh, fixed, rtol=1e-7)


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("size_wh", [(192, 256), (288, 384), (256, 256)])
def test_the_affine_is_mmposes(transforms: Any, udp: bool, size_wh: tuple[int, int]) -> None:
    warp = transforms.get_udp_warp_matrix if udp else transforms.get_warp_matrix
    for box in ((10, 20, 110, 320), (400.5, 33.3, 1200.25, 90.0), (-50, -60, 20, 30)):
        crop = crop_from_box(box, size_wh)
        expected = warp(
            np.array(crop.center_xy, np.float32),
            np.array(crop.scale_wh, np.float32),
            0,
            output_size=size_wh,
        )
        found = crop_affine(crop, size_wh, udp=udp)
        # MMPose's are float32 (UDP) or come from cv2's three point pairs in float32.
        corners = np.array([[box[0], box[1]], [box[2], box[3]]], dtype=np.float64)
        np.testing.assert_allclose(apply(found, corners), apply(expected, corners), rtol=0, atol=2e-3)
        np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-5, atol=1e-6)


@given(boxes, SIZES)
def test_msra_points_come_back_to_where_they_were(box: tuple[float, ...], size_wh: tuple[int, int]) -> None:
    crop = crop_from_box(box, size_wh)
    points = np.array([box[:2], box[2:], crop.center_xy], dtype=np.float64)
    there = apply(crop_affine(crop, size_wh, udp=False), points)
    back = input_to_image(there[None], [crop], size_wh)[0]
    # float32 keeps seven digits of coordinates and of the crop's own size.
    np.testing.assert_allclose(back, points, rtol=0, atol=2e-6 * (np.abs(points).max() + max(crop.scale_wh)))


@given(boxes, SIZES)
def test_udp_points_come_back_once_their_decoder_has_stretched_them(
    box: tuple[float, ...], size_wh: tuple[int, int]
) -> None:
    """UDP's affine ends at the last pixel's centre, its decoder (`heatmap_to_input`) at the input's size."""
    crop = crop_from_box(box, size_wh)
    points = np.array([box[:2], box[2:], crop.center_xy], dtype=np.float64)
    there = apply(crop_affine(crop, size_wh, udp=True), points)
    stretched = there * np.array(size_wh) / (np.array(size_wh) - 1)
    back = input_to_image(stretched[None], [crop], size_wh)[0]
    np.testing.assert_allclose(back, points, rtol=0, atol=2e-6 * (np.abs(points).max() + max(crop.scale_wh)))


def test_corners_of_the_crop_are_corners_of_the_input() -> None:
    crop = Crop((50.0, 60.0), (30.0, 40.0))
    corners = np.array([[35.0, 40.0], [65.0, 80.0]])
    np.testing.assert_allclose(
        apply(crop_affine(crop, (192, 256), udp=False), corners), [[0, 0], [192, 256]], atol=1e-9
    )
    np.testing.assert_allclose(
        apply(crop_affine(crop, (192, 256), udp=True), corners), [[0, 0], [191, 255]], atol=1e-9
    )


def test_each_person_is_mapped_by_its_own_crop_and_nan_is_kept() -> None:
    crops = [Crop((50.0, 60.0), (30.0, 40.0)), Crop((500.0, 600.0), (300.0, 400.0))]
    points = np.array([[[0, 0], [NAN, NAN]], [[192, 256], [96, 128]]], np.float32)
    kept = points.copy()
    found = input_to_image(points, crops, (192, 256))
    np.testing.assert_allclose(found, [[[35, 40], [NAN, NAN]], [[650, 800], [500, 600]]], rtol=1e-6)
    np.testing.assert_array_equal(points, kept)
    assert found.dtype == np.float32


def test_nobody_is_mapped_to_nobody() -> None:
    assert input_to_image(np.zeros((0, 17, 2)), [], (192, 256)).shape == (0, 17, 2)


@pytest.mark.parametrize("shape", [(1, 17, 3), (17, 2), (2, 17, 2)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"points_input has shape .* expected \(1, K, 2\)"):
        input_to_image(np.zeros(shape), [Crop((0.0, 0.0), (1.0, 1.0))], (192, 256))


@pytest.mark.parametrize(
    "box",
    [
        (10, 10, 10, 20),
        (10, 10, 20, 10),
        (20, 10, 10, 20),
        (10, 20, 20, 10),
        (NAN, 0, 1, 1),
        (0, 0, INF, 1),
    ],
)
def test_a_box_without_area_has_no_crop(box: tuple[float, ...]) -> None:
    with pytest.raises(BoxError, match="empty or not finite"):
        crop_from_box(box, (192, 256))


@pytest.mark.parametrize("box", [(1, 2, 3), ((1, 2, 3, 4),)])
def test_a_box_of_another_shape_is_refused(box: Any) -> None:
    with pytest.raises(ShapeError, match="bbox_xyxy"):
        crop_from_box(box, (192, 256))


@pytest.mark.parametrize(
    ("center", "scale"), [((NAN, 0.0), (1.0, 1.0)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, 0.0), (1.0, -1.0))]
)
def test_a_crop_must_have_an_area(center: tuple[float, float], scale: tuple[float, float]) -> None:
    with pytest.raises(BoxError, match="finite centre and a positive size"):
        Crop(center, scale)


def test_a_crop_is_listed_as_it_is_kept() -> None:
    assert Crop((1.0, 2.0), (3.0, 4.0)).as_list() == [1.0, 2.0, 3.0, 4.0]


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 2), st.floats(0.01, 2))
def test_a_relative_box_keeps_what_reaches_beyond_the_image(x: float, y: float, w: float, h: float) -> None:
    shows = min(x + w, 1) - max(x, 0), min(y + h, 1) - max(y, 0)
    if shows[0] * 640 < 1.001 or shows[1] * 480 < 1.001:
        return
    found = xywh_rel_to_xyxy_px((x, y, w, h), (640, 480))
    np.testing.assert_allclose(found, [x * 640, y * 480, (x + w) * 640, (y + h) * 480], atol=1e-9)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((NAN, 0.1, 0.2, 0.2), "is not finite"),
        ((0.1, 0.1, INF, 0.2), "is not finite"),
        ((0.1, 0.1, 0.0, 0.2), "empty or inverted"),
        ((0.1, 0.1, 0.2, -0.2), "empty or inverted"),
        ((1.1, 0.1, 0.2, 0.2), "less than one pixel of the 640x480 image"),
        ((0.1, -0.5, 0.2, 0.4), "less than one pixel"),
        ((-0.5, 0.1, 0.4, 0.4), "less than one pixel"),
        ((0.5, 0.5, 0.001, 0.2), "less than one pixel"),
        ((0.999, 0.5, 0.2, 0.2), "less than one pixel"),
    ],
)
def test_a_relative_box_that_shows_nothing_says_why(box: tuple[float, ...], words: str) -> None:
    with pytest.raises(BoxError, match=words):
        xywh_rel_to_xyxy_px(box, (640, 480))


@pytest.mark.parametrize("box", [(), (0.1, 0.1, 0.2), (0.1, 0.1, 0.2, 0.2, 1.0)])
def test_a_relative_box_of_another_shape_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(ShapeError, match="bbox_rel"):
        xywh_rel_to_xyxy_px(box, (640, 480))


def test_relative_points_are_scaled_and_nan_is_kept() -> None:
    found = rel_to_px([[0.5, 0.25], [NAN, NAN]], (640, 480))
    np.testing.assert_array_equal(found, [[320, 120], [NAN, NAN]])
    assert rel_to_px(np.zeros((2, 3, 2)), (640, 480)).shape == (2, 3, 2)
    with pytest.raises(ShapeError, match="points_rel"):
        rel_to_px([1.0, 2.0, 3.0], (640, 480))
