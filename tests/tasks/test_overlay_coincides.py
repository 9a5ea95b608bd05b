"""That what a run paints lies where it puts the keypoint: end to end, with every codec.

The network alone is replaced, by one that finds a dot in its crop and answers with MMPose's own encoding of
where it is. Everything around it is real: reading and rotating the photo, the crop, its affine, decoding,
labels, overlay. So keypoint, painted peak and dot must be in the same place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import fo_pose_plugin as fop
from fo_pose_plugin.models import openmmlab
from fo_pose_plugin.models.pose_network import PoseNetwork
from tests.tiny_models import write_tiny_model

MakeDataset = Callable[..., fo.Dataset]
Float64 = npt.NDArray[np.float64]

INPUT_WH = (192, 256)
HEATMAP_WH = (48, 64)
IMAGE_WH = (1000, 750)
SIZES: dict[str, Any] = {"input_size": INPUT_WH, "heatmap_size": HEATMAP_WH}
CODECS: dict[str, dict[str, Any]] = {
    "msra": {"type": "MSRAHeatmap", "sigma": 2, **SIZES},
    "dark": {"type": "MSRAHeatmap", "sigma": 2, "unbiased": True, **SIZES},
    "udp": {"type": "UDPHeatmap", "sigma": 2, **SIZES},
    # As six of MMPose's configs have it: a UDP codec, and crops by the plain affine.
    "udp plain": {"type": "UDPHeatmap", "sigma": 2, **SIZES},
    "udp_combined": {"type": "UDPHeatmap", "heatmap_type": "combined", **SIZES},
    "megvii": {"type": "MegviiHeatmap", "kernel_size": 11, **SIZES},
}
EVERYDAY = ("msra", "udp")

DOT_RADIUS_PX = 5
# How far, in heatmap px, a codec moves the keypoint from the heatmap's highest pixel, where the painted peak
# lies: a quarter (MSRA, Megvii), or to the middle of a peak between two pixels (DARK, UDP). Combined heatmaps
# hold discs, whose middle is known to a pixel. The overlay's own pixels add one of theirs.
REFINED_HM_PX = {
    "msra": 0.25,
    "dark": 0.55,
    "udp": 0.55,
    "udp plain": 0.55,
    "udp_combined": 1.0,
    "megvii": 0.25,
}

Place = tuple[float, float]
# Each photo: where its dot is and the box around it, both relative; and the photo's EXIF orientation.
INSET = 0.016  # 16 and 12 px
SMALL, LARGE = (0.08, 0.13), (0.3, 0.42)


def around(dot: Place, size: Place, within: Place) -> list[float]:
    """A box that has the dot at a place within it; it may reach outside the image."""
    return [dot[0] - within[0] * size[0], dot[1] - within[1] * size[1], *size]


PHOTOS: dict[str, tuple[Place, list[float], int]] = {
    **{
        f"corner {x:.2f} {y:.2f}": ((x, y), around((x, y), SMALL, (0.5, 0.5)), 1)
        for x in (INSET, 1 - INSET)
        for y in (INSET, 1 - INSET)
    },
    **{
        f"large box at {within}": ((0.5, 0.45), around((0.5, 0.45), LARGE, within), 1)
        for within in ((0.15, 0.2), (0.5, 0.5), (0.9, 0.85), (0.2, 0.9))
    },
    "far outside": ((0.06, 0.9), around((0.06, 0.9), (0.5, 0.6), (0.8, 0.3)), 1),
    "wide box": ((0.7, 0.5), [0.1, 0.45, 0.8, 0.1], 1),
    "whole image": ((0.8, 0.3), [0.0, 0.0, 1.0, 1.0], 1),
    **{f"EXIF {o}": ((0.93, 0.12), around((0.93, 0.12), (0.2, 0.3), (0.6, 0.7)), o) for o in range(2, 9)},
}
UNDO_EXIF = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def write_photo(path: Path, dot: Place, orientation: int) -> None:
    """A dark picture with a red dot; rotated photos are stored as cameras do."""
    w, h = IMAGE_WH
    y, x = np.mgrid[:h, :w]
    distance = np.hypot(x - (dot[0] * w - 0.5), y - (dot[1] * h - 0.5))
    pixels = np.full((h, w, 3), 40, np.uint8)
    pixels[..., 0] += (200 * np.clip(DOT_RADIUS_PX + 0.5 - distance, 0, 1)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    if orientation != 1:
        picture = picture.transpose(UNDO_EXIF[orientation])
        exif[0x0112] = orientation
    picture.save(path, quality=97, subsampling=0, exif=exif)


def encode_dots(self: PoseNetwork, crops_bgr: npt.NDArray[np.uint8], *, flip_test: bool) -> Any:
    """Stand in for the network: find the dot in each crop, and answer with MMPose's encoding of it."""
    from mmpose.registry import KEYPOINT_CODECS

    assert not flip_test
    kind = self.spec.codec.kind
    codec = KEYPOINT_CODECS.build(dict(CODECS[kind]))
    heatmaps = []
    for crop in crops_bgr:
        redness = np.maximum(crop[..., 2].astype(np.float64) - crop[..., 1] - 20, 0)
        assert redness.any(), "the dot lies outside its crop"
        y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
        dot = np.array([(redness * x).sum(), (redness * y).sum()]) / redness.sum()
        points = np.tile(dot, (1, 17, 1)).astype(np.float32)
        heatmaps.append(codec.encode(points, np.ones((1, 17), np.float32))["heatmaps"])
    return np.stack(heatmaps).astype(np.float32)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dots")
    paths = {}
    for index, (name, (dot, _, orientation)) in enumerate(PHOTOS.items()):
        paths[name] = folder / f"{index}.jpg"
        write_photo(paths[name], dot, orientation)
    return paths


def add_model(folder: Path, kind: str) -> str:
    """Register a tiny model with this codec; its weights do not matter."""
    maps = 3 if kind == "udp_combined" else 1
    config, checkpoint = write_tiny_model(folder, "CocoDataset", 17 * maps, 7)
    text = config.read_text()
    start, end = text.index("codec = "), text.index("model = ")
    text = text[:start] + f"codec = {CODECS[kind]!r}\n" + text[end:]
    if kind in ("udp", "udp_combined"):
        text = text.replace("codec['input_size'])", "codec['input_size'], use_udp=True)")
    config.write_text(text)
    name = f"dots-{kind.replace(' ', '-')}"
    fop.add_model(name, config, checkpoint)
    return name


def painted_peak_px(sample: fo.Sample) -> Float64:
    """The middle of the overlay's strongest pixels, image_px."""
    overlay = cv2.imread(sample.poses_heatmap.map_path, cv2.IMREAD_UNCHANGED)
    assert overlay is not None
    y, x = np.nonzero(overlay == overlay.max())
    middle = np.array([x.mean(), y.mean()])
    peak: Float64 = (middle + 0.5) * np.array(IMAGE_WH) / np.array(overlay.shape[::-1]) - 0.5
    return peak


@pytest.mark.parametrize(
    "kind", [k if k in EVERYDAY else pytest.param(k, marks=pytest.mark.slow) for k in CODECS]
)
def test_dot_keypoint_and_painted_peak_are_one(
    kind: str,
    photos: dict[str, Path],
    make_dataset: MakeDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    openmmlab.prepare()
    model = add_model(tmp_path, kind)
    monkeypatch.setattr(PoseNetwork, "heatmaps", encode_dots)
    dataset = make_dataset("dots")
    samples = []
    for name, (_, box, _) in PHOTOS.items():
        boxes = fo.Detections(detections=[fo.Detection(label="person", bounding_box=box)])
        samples.append(fo.Sample(filepath=str(photos[name]), photo=name, boxes=boxes))
    dataset.add_samples(samples, progress=False)
    report = fop.estimate_poses(dataset, model, boxes="boxes", progress=False)
    assert report.failures == {}
    _check(dataset, kind)
    # And where they are painted anew from what was kept.
    assert fop.show_heatmaps(dataset, keypoints="nose", progress=False).failures == {}
    dataset.reload()
    _check(dataset, kind)
    fop.remove_model(model)


def _check(dataset: fo.Dataset, kind: str) -> None:
    size = np.array(IMAGE_WH)
    overlay_px = IMAGE_WH[0] / 640
    for sample in dataset:
        (person,) = sample.poses.keypoints
        heatmap_px = person.crop[2] / HEATMAP_WH[0]
        keypoint = np.array(person.points[0]) * size
        apart = np.abs(painted_peak_px(sample) - keypoint).max()
        allowed = overlay_px + REFINED_HM_PX[kind] * heatmap_px
        assert apart <= allowed, (sample.photo, apart, allowed)
        dot = np.array(PHOTOS[sample.photo][0]) * size - 0.5
        # Encoding rounds to a heatmap pixel, and input pixels are rounded to their middle.
        assert np.abs(keypoint - dot).max() <= 0.8 * heatmap_px + 1, (sample.photo, keypoint, dot)
