"""Crops are exact bilinear samples, black beyond the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from fo_pose_plugin.core.crop import Crop, crop_affine, crop_from_box
from fo_pose_plugin.errors import ShapeError
from fo_pose_plugin.inference.crops import cut_crops

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

SIZE_WH = (48, 64)


def exact_samples(image: UInt8, crop: Crop, size_wh: tuple[int, int], *, udp: bool) -> Float64:
    """Sample in double precision by scipy, with zeros around the image as ``BORDER_CONSTANT`` has them."""
    (fx, _, tx), (_, fy, ty) = crop_affine(crop, size_wh, udp=udp)
    x, y = np.meshgrid((np.arange(size_wh[0]) - tx) / fx, (np.arange(size_wh[1]) - ty) / fy)
    # One ring of zeros lets samples fade out over the border's last pixel.
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    planes = [
        map_coordinates(padded[..., c], [y + 1, x + 1], order=1, mode="constant", cval=0) for c in range(3)
    ]
    return np.stack(planes, axis=-1)


def assert_exact(found: UInt8, expected: Float64) -> None:
    # Half a grey level is rounding; the rest is what float32 may add to it.
    assert np.abs(found - expected).max() <= 0.5 + 1e-3


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


CROPS = {
    "inside": Crop((50.0, 40.0), (30.0, 40.0)),
    "left and top": Crop((3.3, 5.7), (45.0, 60.0)),
    "right and bottom": Crop((97.2, 76.1), (45.0, 60.0)),
    "larger than the image": Crop((50.0, 40.0), (300.0, 400.0)),
    "outside": Crop((-200.0, 40.0), (30.0, 40.0)),
    "outside by one axis": Crop((50.0, 900.0), (30.0, 40.0)),
    "a few pixels": Crop((50.5, 40.5), (1.5, 2.0)),
    "touching the border": Crop((15.0, 20.0), (30.0, 40.0)),
}


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("crop", CROPS.values(), ids=CROPS.keys())
def test_samples_are_exact_and_black_beyond_the_image(crop: Crop, udp: bool) -> None:
    image = noise(80, 100)
    (found,) = cut_crops(image, [crop], SIZE_WH, udp=udp)
    assert found.shape == (64, 48, 3)
    assert found.dtype == np.uint8
    expected = exact_samples(image, crop, SIZE_WH, udp=udp)
    assert_exact(found, expected)
    if crop in (CROPS["outside"], CROPS["outside by one axis"]):
        assert not found.any()


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.floats(-40, 140), st.floats(-40, 120), st.floats(1, 200), st.floats(1, 200)),
    st.sampled_from([(48, 64), (64, 64), (64, 48)]),
    st.booleans(),
    st.sampled_from([(80, 100), (1, 1), (1, 50), (50, 1), (2, 3)]),
)
def test_any_box_of_any_image_is_sampled_exactly(
    box: tuple[float, ...], size_wh: tuple[int, int], udp: bool, image_hw: tuple[int, int]
) -> None:
    image = noise(*image_hw)
    crop = crop_from_box((box[0], box[1], box[0] + box[2], box[1] + box[3]), size_wh)
    (found,) = cut_crops(image, [crop], size_wh, udp=udp)
    assert_exact(found, exact_samples(image, crop, size_wh, udp=udp))


def test_many_crops_are_each_what_they_are_alone() -> None:
    image = noise(80, 100)
    crops = list(CROPS.values())
    together = cut_crops(image, crops, SIZE_WH, udp=False)
    for crop, found in zip(crops, together, strict=True):
        np.testing.assert_array_equal(found, cut_crops(image, [crop], SIZE_WH, udp=False)[0])


def test_no_crops_are_an_empty_batch() -> None:
    assert cut_crops(noise(8, 8), [], SIZE_WH, udp=False).shape == (0, 64, 48, 3)


def test_whole_pixels_are_copied() -> None:
    image = noise(64, 48)
    (found,) = cut_crops(image, [Crop((24.0, 32.0), (48.0, 64.0))], SIZE_WH, udp=False)
    np.testing.assert_array_equal(found, image)


def test_the_image_may_be_a_view_and_is_not_changed() -> None:
    image = noise(80, 200)
    view = image[::-1, ::2]
    kept = image.copy()
    found = cut_crops(view, list(CROPS.values()), SIZE_WH, udp=False)
    np.testing.assert_array_equal(
        found, cut_crops(np.ascontiguousarray(view), list(CROPS.values()), SIZE_WH, udp=False)
    )
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 4), (0, 8, 3), (8, 0, 3)])
def test_an_image_of_another_shape_is_refused(shape: Sequence[int]) -> None:
    with pytest.raises(ShapeError, match=r"image_bgr has shape .* expected \(H, W, 3\)"):
        cut_crops(np.zeros(shape, np.uint8), [CROPS["inside"]], SIZE_WH, udp=False)


@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="cv2 4 samples on a grid of 1/32 pixel")
@pytest.mark.parametrize("crop", CROPS.values(), ids=CROPS.keys())
def test_crops_are_those_of_cv2_5(crop: Crop) -> None:
    image = noise(80, 100)
    (found,) = cut_crops(image, [crop], SIZE_WH, udp=False)
    expected = cv2.warpAffine(image, crop_affine(crop, SIZE_WH, udp=False), SIZE_WH, flags=cv2.INTER_LINEAR)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 2e-3  # ties that round the other way


def test_crops_are_those_that_the_reference_was_made_with(shared_data: Path) -> None:
    """The stored crops of three people, from cv2 5 by way of MMPose."""
    import json

    from fo_pose_plugin.inference.images import read_image

    stored = np.load(shared_data / "reference" / "tinypose_256x192_heatmaps.npz")
    people = json.loads((shared_data / "reference" / "tinypose_256x192_coco_test.json").read_text())
    compared = 0
    for person in people:
        name = f"crop_{person['ann_id']}"
        if name not in stored:
            continue
        image = read_image(shared_data / "coco_test" / person["file_name"])
        crop = crop_from_box(person["bbox_xyxy"], (192, 256))
        (found,) = cut_crops(image, [crop], (192, 256), udp=False)
        difference = np.abs(found.astype(int) - stored[name])
        assert difference.max() <= 1
        assert (difference > 0).mean() <= 1e-3
        compared += 1
    assert compared == 3
