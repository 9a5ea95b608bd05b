"""Batches across images and people: order, nobody, too little memory, and the right crops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import BoxError, ModelError, ShapeError
from fo_pose_plugin.inference.estimator import ImageCrops, PoseEstimator, cut_people, default_batch_size
from fo_pose_plugin.models.codecs import CodecSpec
from fo_pose_plugin.models.pose_network import NetworkSpec

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

W, H = 16, 24
SPEC = NetworkSpec(
    skeleton=Skeleton("three", ("a", "b", "c"), ((0, 1),), (0, 1, 2)),
    codec=CodecSpec(kind="msra", input_size_wh=(W, H), heatmap_size_wh=(W, H)),
    input_size_wh=(W, H),
    padding=1.25,
    udp_affine=False,
    flip_mode="heatmap",
    shift_heatmap=False,
)


class EchoNetwork:
    """Stands in for a network: keypoint k of a crop lies where that crop's channel k is brightest.

    It has a device's memory: a batch larger than ``room`` does not fit.
    """

    def __init__(self, room: int = 1000, spec: NetworkSpec = SPEC) -> None:
        self.spec = spec
        self.device = "cpu"
        self.room = room
        self.batches: list[int] = []
        self.flips: list[bool] = []

    def heatmaps(self, crops_bgr: UInt8, *, flip_test: bool) -> Float32:
        import torch

        self.batches.append(len(crops_bgr))
        self.flips.append(flip_test)
        if len(crops_bgr) > self.room:
            raise torch.OutOfMemoryError("no room")
        maps = crops_bgr.astype(np.float32).transpose(0, 3, 1, 2) / 255
        return np.repeat(maps, 3, axis=1) if self.spec.codec.kind == "udp_combined" else maps


def image_of(people: int, key: int) -> ImageCrops[int]:
    """Crops of noise, each brightest at a pixel of its own."""
    rng = np.random.default_rng(key)
    pixels = rng.integers(0, 200, (people, H, W, 3), np.uint8)
    crops = []
    for person in range(people):
        for channel in range(3):
            # In some channels of some people nothing is there.
            if (person + channel + key) % 5 == 0:
                pixels[person, :, :, channel] = 0
            else:
                y, x = rng.integers(2, H - 2), rng.integers(2, W - 2)
                pixels[person, y, x, channel] = 255
        crops.append(Crop((float(key), float(person)), (W * 2.0, H * 2.0)))
    return ImageCrops(key, tuple(crops), pixels)


def estimate(
    images: list[ImageCrops[int]], network: EchoNetwork | None = None, **options: Any
) -> list[tuple[int, ImagePoses]]:
    return list(PoseEstimator(network or EchoNetwork(), **options).estimate(images))  # type: ignore[arg-type]


def assert_echoed(image: ImageCrops[int], poses: ImagePoses) -> None:
    """Each keypoint is at the brightest pixel of its own crop's own channel."""
    assert len(poses) == len(image.crops)
    assert poses.crops == image.crops
    assert poses.keypoints_px.shape == (len(image.crops), 3, 2)
    assert poses.keypoints_px.dtype == poses.keypoint_scores.dtype == np.float32
    for person, crop in enumerate(image.crops):
        for channel in range(3):
            plane = image.pixels_bgr[person, :, :, channel]
            point = poses.keypoints_px[person, channel]
            assert poses.keypoint_scores[person, channel] == plane.max() / np.float32(255)
            if not plane.any():
                assert np.isnan(point).all()
                continue
            y, x = np.unravel_index(plane.argmax(), plane.shape)
            at = (point - np.subtract(crop.center_xy, np.divide(crop.scale_wh, 2))) / 2
            assert np.abs(at - (x, y)).max() <= 0.25 + 1e-5  # MSRA's quarter pixel


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 9))
def test_every_person_of_every_image_in_order_whatever_the_batch(people: list[int], batch_size: int) -> None:
    network = EchoNetwork()
    images = [image_of(count, key) for key, count in enumerate(people)]
    found = estimate(images, network, batch_size=batch_size)
    assert [key for key, _ in found] == list(range(len(people)))
    for image, (_, poses) in zip(images, found, strict=True):
        assert_echoed(image, poses)
    # Batches reach across images: only the last one may be smaller.
    whole, rest = divmod(sum(people), batch_size)
    assert network.batches == [batch_size] * whole + [rest] * bool(rest)


@pytest.mark.parametrize("people", [[0, 2, 3], [2, 3, 0], [2, 0, 0, 3], [0], [0, 0, 0], []])
@pytest.mark.parametrize("keep_heatmaps", [False, True])
def test_images_without_people_keep_their_place(people: list[int], keep_heatmaps: bool) -> None:
    images = [image_of(count, key) for key, count in enumerate(people)]
    found = estimate(images, batch_size=4, keep_heatmaps=keep_heatmaps)
    assert [(key, len(poses)) for key, poses in found] == list(enumerate(people))
    for _, poses in found:
        if keep_heatmaps:
            assert poses.heatmaps is not None
            assert poses.heatmaps.shape == (len(poses), 3, H, W)
        else:
            assert poses.heatmaps is None


def test_results_come_as_soon_as_their_batch_has_run() -> None:
    taken: list[int] = []

    def images() -> Iterator[ImageCrops[int]]:
        for key, count in enumerate([2, 2, 2, 2]):
            taken.append(key)
            yield image_of(count, key)

    results = PoseEstimator(EchoNetwork(), batch_size=4).estimate(images())  # type: ignore[arg-type]
    assert next(results)[0] == 0
    assert taken == [0, 1]
    assert next(results)[0] == 1
    assert taken == [0, 1]
    assert next(results)[0] == 2
    assert taken == [0, 1, 2, 3]


def test_one_image_may_hold_more_people_than_a_batch() -> None:
    network = EchoNetwork()
    image = image_of(11, 0)
    ((_, poses),) = estimate([image], network, batch_size=4)
    assert_echoed(image, poses)
    assert network.batches == [4, 4, 3]


def test_heatmaps_are_each_persons_own() -> None:
    images = [image_of(3, 0), image_of(0, 1), image_of(4, 2)]
    for image, (_, poses) in zip(images, estimate(images, batch_size=2, keep_heatmaps=True), strict=True):
        assert poses.heatmaps is not None
        expected = image.pixels_bgr.astype(np.float32).transpose(0, 3, 1, 2) / 255
        np.testing.assert_array_equal(poses.heatmaps, expected)


def test_only_likelihoods_are_kept_of_heatmaps_with_offsets() -> None:
    codec = replace(SPEC.codec, kind="udp_combined")
    network = EchoNetwork(spec=replace(SPEC, codec=codec))
    image = image_of(2, 1)
    ((_, poses),) = estimate([image], network, keep_heatmaps=True)
    assert poses.heatmaps is not None
    expected = image.pixels_bgr.astype(np.float32).transpose(0, 3, 1, 2) / 255
    np.testing.assert_array_equal(poses.heatmaps, expected)


def test_flip_test_is_handed_to_the_network() -> None:
    for flip_test in (False, True):
        network = EchoNetwork()
        estimate([image_of(2, 0)], network, flip_test=flip_test)
        assert network.flips == [flip_test]


def test_too_little_memory_halves_the_batch_and_changes_nothing_else() -> None:
    images = [image_of(count, key) for key, count in enumerate([5, 0, 7, 1, 6])]
    network = EchoNetwork(room=3)
    estimator = PoseEstimator(network, batch_size=16)  # type: ignore[arg-type]
    found = list(estimator.estimate(images))
    for image, (_, poses) in zip(images, found, strict=True):
        assert_echoed(image, poses)
    assert estimator.batch_size == 2
    # It is not tried again with more than what fitted.
    first_fit = next(index for index, size in enumerate(network.batches) if size <= network.room)
    assert max(network.batches[first_fit:]) <= 8
    assert network.batches[-1] <= 2


def test_a_person_for_whom_there_is_no_memory_is_an_error_in_words() -> None:
    with pytest.raises(ModelError, match=r"cpu has too little memory for one person.*take a smaller model"):
        estimate([image_of(3, 0)], EchoNetwork(room=0), batch_size=2)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_without_people_is_refused(batch_size: int) -> None:
    with pytest.raises(ModelError, match=f"batch_size is {batch_size}, expected 1 or more people"):
        PoseEstimator(EchoNetwork(), batch_size=batch_size)  # type: ignore[arg-type]


def test_default_batches_are_larger_on_a_gpu() -> None:
    assert default_batch_size("cpu") < default_batch_size("cuda:0") == default_batch_size("cuda")
    assert PoseEstimator(EchoNetwork()).batch_size == default_batch_size("cpu")  # type: ignore[arg-type]


def test_people_are_cut_out_as_the_network_expects_them() -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    found = cut_people("key", image, [(10, 20, 50, 90), (0, 0, 120, 100)], SPEC)
    assert found.key == "key"
    assert found.pixels_bgr.shape == (2, H, W, 3)
    first = found.crops[0]
    assert first.center_xy == (30.0, 55.0)
    assert first.scale_wh == (pytest.approx(87.5 * W / H), 87.5)  # the height x 1.25, the width widened
    assert repr(found) == f"ImageCrops('key', pixels_bgr=(2, {H}, {W}, 3))"
    padded = cut_people("key", image, [(10, 20, 50, 90)], replace(SPEC, padding=1.0))
    assert padded.crops[0].scale_wh[1] == 70.0
    udp = cut_people("key", image, [(10, 20, 50, 90)], replace(SPEC, udp_affine=True))
    assert (udp.pixels_bgr != found.pixels_bgr[:1]).any()


def test_nobody_is_cut_out_of_an_image_without_boxes() -> None:
    found = cut_people("key", np.zeros((10, 10, 3), np.uint8), [], SPEC)
    assert (found.crops, found.pixels_bgr.shape) == ((), (0, H, W, 3))


def test_a_box_that_cannot_be_used_and_crops_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BoxError, match="empty or not finite"):
        cut_people("key", np.zeros((10, 10, 3), np.uint8), [(5, 5, 5, 9)], SPEC)
    with pytest.raises(ShapeError, match="pixels_bgr"):
        ImageCrops("key", (), np.zeros((1, H, W, 3), np.uint8))
