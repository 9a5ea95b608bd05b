"""Batched decoding against MMPose's own codecs, map by map."""

from __future__ import annotations

import functools
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.errors import ShapeError
from fo_pose_plugin.inference.decoding import DecodedKeypoints, decode_heatmaps, heatmap_peaks
from fo_pose_plugin.models.codecs import CodecSpec

pytest.importorskip("mmpose", reason="MMPose is the reference")

Maps = npt.NDArray[np.float32]

SMALL: dict[str, Any] = {"input_size": (192, 256), "heatmap_size": (48, 64)}
LARGE: dict[str, Any] = {"input_size": (288, 384), "heatmap_size": (72, 96)}
ODD: dict[str, Any] = {"input_size": (192, 256), "heatmap_size": (40, 56)}
CONFIGS: dict[str, dict[str, Any]] = {
    "msra": {"type": "MSRAHeatmap", "sigma": 2, **SMALL},
    "msra-odd": {"type": "MSRAHeatmap", "sigma": 2, **ODD},
    "dark": {"type": "MSRAHeatmap", "sigma": 2, "unbiased": True, **SMALL},
    "dark-large": {"type": "MSRAHeatmap", "sigma": 3, "unbiased": True, "blur_kernel_size": 17, **LARGE},
    "udp": {"type": "UDPHeatmap", "sigma": 2, **SMALL},
    "udp-large": {"type": "UDPHeatmap", "sigma": 3, **LARGE},
    "udp_combined": {"type": "UDPHeatmap", "heatmap_type": "combined", **SMALL},
    "megvii": {"type": "MegviiHeatmap", "kernel_size": 11, **SMALL},
    "megvii-fine": {"type": "MegviiHeatmap", "kernel_size": 5, **SMALL},
}
KINDS = [
    "clean",
    "clipped",
    "border",
    "flat",
    "plateau",
    "two peaks",
    "noisy",
    "noise",
    "weak",
    "high",
    "quantised",
]
each_codec = pytest.mark.parametrize("name", CONFIGS)


@functools.cache
def reference_codec(name: str) -> Any:
    from fo_pose_plugin.models.openmmlab import prepare

    prepare()
    from mmpose.registry import KEYPOINT_CODECS

    return KEYPOINT_CODECS.build(dict(CONFIGS[name]))


def reference_decode(name: str, heatmaps: Maps) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Decode map by map, so that MMPose's singular Hessians cost one map; those are NaN."""
    spec, codec = CodecSpec.from_config(CONFIGS[name]), reference_codec(name)
    n, channels, step = len(heatmaps), heatmaps.shape[1], spec.maps_per_keypoint
    points = np.full((n, channels // step, 2), np.nan)
    scores = np.full((n, channels // step), np.nan)
    for i in range(n):
        for k in range(channels // step):
            with np.errstate(all="ignore"):
                try:
                    found, score = codec.decode(heatmaps[i, k * step : (k + 1) * step].copy())
                except np.linalg.LinAlgError:
                    continue
            points[i, k], scores[i, k] = found[0, 0], score[0, 0]
    return points, scores


def gaussians(codec: CodecSpec, centres: npt.NDArray[Any], sigma: float) -> npt.NDArray[Any]:
    w, h = codec.heatmap_size_wh
    y, x = np.mgrid[:h, :w]
    squared = (x - centres[..., 0, None, None]) ** 2 + (y - centres[..., 1, None, None]) ** 2
    return np.exp(-squared / (2 * sigma**2))


def make_heatmaps(kind: str, codec: CodecSpec, seed: int, n: int = 2, k: int = 5) -> Maps:
    """Heatmaps (n, channels, h, w) as networks give them, and as they never should."""
    rng = np.random.default_rng(seed)
    maps = likelihoods(kind, codec, rng, n, k)
    if codec.kind == "megvii":
        maps *= 255
    if codec.kind == "udp_combined":
        offsets = rng.normal(0, 0.4, (n, k, 2, *maps.shape[2:]))
        maps = np.concatenate((maps[:, :, None], offsets), axis=2).reshape(n, 3 * k, *maps.shape[2:])
    return maps.astype(np.float32)


def likelihoods(
    kind: str, codec: CodecSpec, rng: np.random.Generator, n: int, k: int
) -> npt.NDArray[np.float64]:
    size = np.array(codec.heatmap_size_wh)
    sigma = 3.0 if size[0] > 64 else 2.0
    centres = rng.uniform(0, 1, (n, k, 2)) * (size - 1)
    heights = rng.uniform(0.05, 1.1, (n, k, 1, 1))
    maps = gaussians(codec, centres, sigma) * heights
    if kind == "clipped":
        maps[maps < 0.02] = 0
    elif kind == "border":
        edges = np.stack(
            [rng.choice([-0.6, 0, 0.5, 1, 1.6, 2.2, s - 3, s - 2, s - 1, s], (n, k)) for s in size], -1
        )
        maps = gaussians(codec, np.where(rng.random((n, k, 2)) < 0.6, edges, centres), sigma) * heights
    elif kind == "flat":
        levels = rng.choice([1e-12, 1e-3, 0.3, 1 / 3, 1.0, 7.5], (n, k, 1, 1))
        maps = np.broadcast_to(levels, maps.shape).copy()
    elif kind == "plateau":
        maps = np.where(gaussians(codec, centres, 2 * sigma) > 0.5, heights, 0)
    elif kind == "two peaks":
        others = rng.uniform(0, 1, (n, k, 2)) * (size - 1)
        maps += gaussians(codec, others, sigma) * heights * rng.uniform(0.5, 1, heights.shape)
    elif kind == "noisy":
        maps += rng.normal(0, 0.02, maps.shape)
    elif kind == "noise":
        maps = rng.normal(0, 1, maps.shape)
    elif kind == "weak":
        maps = gaussians(codec, centres, sigma) * rng.uniform(1e-3, 8e-3, heights.shape)  # around UDP's floor
    elif kind == "high":
        maps = gaussians(codec, centres, sigma) * rng.uniform(40, 130, heights.shape)  # around its ceiling
    elif kind == "quantised":
        maps = np.round((maps + rng.normal(0, 0.01, maps.shape)) * 255) / 255
    return maps


@each_codec
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_equal_to_mmpose(name: str, kind: str, seed: int) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    heatmaps = make_heatmaps(kind, codec, seed)
    before = heatmaps.copy()
    decoded = decode_heatmaps(heatmaps, codec)
    np.testing.assert_array_equal(heatmaps, before)

    points, scores = reference_decode(name, heatmaps)
    known = np.isfinite(points).all(axis=-1)
    assert known.all() or codec.kind == "udp", "only there does MMPose fail on a singular Hessian"
    px_per_heatmap_px = np.array(codec.input_size_wh) / codec.heatmap_size_wh
    error = np.abs(decoded.keypoints_input_px - points)[known] / px_per_heatmap_px
    # A Newton step to far outside the map has fewer digits than that in single precision.
    far = np.abs(points[known] / codec.input_size_wh).max(axis=-1, initial=1.0, keepdims=True)
    assert (error < 1e-3 * far).all()
    if codec.kind == "msra":
        np.testing.assert_array_equal(decoded.keypoints_input_px, points)
    np.testing.assert_allclose(decoded.keypoint_scores[known], scores[known], rtol=0, atol=1e-6)
    assert np.isfinite(decoded.keypoints_input_px).all()


@each_codec
def test_batch_of_one_equals_batch_of_many(name: str) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    heatmaps = np.concatenate([make_heatmaps(kind, codec, 3) for kind in KINDS])
    together = decode_heatmaps(heatmaps, codec)
    for i in range(len(heatmaps)):
        alone = decode_heatmaps(heatmaps[i : i + 1], codec)
        np.testing.assert_array_equal(alone.keypoints_input_px[0], together.keypoints_input_px[i])
        np.testing.assert_array_equal(alone.keypoint_scores[0], together.keypoint_scores[i])


@each_codec
def test_encoded_keypoints_come_back(name: str) -> None:
    codec, reference = CodecSpec.from_config(CONFIGS[name]), reference_codec(name)
    rng = np.random.default_rng(5)
    points = rng.uniform(0.15, 0.85, (8, 1, 6, 2)) * codec.input_size_wh
    encoded = [
        reference.encode(p.astype(np.float32), np.ones((1, 6), np.float32))["heatmaps"] for p in points
    ]
    decoded = decode_heatmaps(np.stack(encoded), codec)
    allowed = {"msra": 0.75, "megvii": 0.75, "dark": 0.1, "udp": 0.1, "udp_combined": 0.1}[codec.kind]
    error = np.abs(decoded.keypoints_input_px - points[:, 0]) * codec.heatmap_size_wh / codec.input_size_wh
    # UDP's decoder stretches to the input's size, its encoder to one pixel less.
    assert error.max() < allowed + (0.25 if codec.kind.startswith("udp") else 0)


@each_codec
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_damaged_map_costs_its_own_keypoint_only(name: str, value: float) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    heatmaps = make_heatmaps("noisy", codec, 1, n=3)
    whole = decode_heatmaps(heatmaps, codec)
    heatmaps[1, 2 * codec.maps_per_keypoint, 7, 9] = value
    decoded = decode_heatmaps(heatmaps, codec)
    assert np.isnan(decoded.keypoints_input_px[1, 2]).all()
    assert decoded.keypoint_scores[1, 2] == 0
    others = np.ones((3, 5), dtype=bool)
    others[1, 2] = False
    np.testing.assert_array_equal(decoded.keypoints_input_px[others], whole.keypoints_input_px[others])
    np.testing.assert_array_equal(decoded.keypoint_scores[others], whole.keypoint_scores[others])


@each_codec
@pytest.mark.parametrize("level", [0.0, -0.2])
def test_only_a_peak_at_or_below_zero_gives_nan(name: str, level: float) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    heatmaps = make_heatmaps("clean", codec, 2)
    heatmaps[0, 3 * codec.maps_per_keypoint] = level
    decoded = decode_heatmaps(heatmaps, codec)
    empty = np.isnan(decoded.keypoints_input_px)
    assert empty[0, 3].all()
    assert empty.sum() == 2
    expected = level / 255 + 0.5 if codec.kind == "megvii" else level
    np.testing.assert_allclose(decoded.keypoint_scores[0, 3], expected, atol=1e-6)


def test_a_singular_hessian_falls_back_to_the_peak() -> None:
    codec = CodecSpec.from_config(CONFIGS["udp"])
    levels = np.random.default_rng(0).uniform(0.24, 0.32, (1, 1500)).astype(np.float32)
    heatmaps = np.broadcast_to(levels[..., None, None], (1, 1500, 64, 48)).copy()
    # Almost flat: the second derivatives are rounding alone, and some are exactly minus UDP's epsilon.
    heatmaps[:, :, 32, 24] = np.nextafter(levels, np.float32(1))
    points, _ = reference_decode("udp", heatmaps)
    singular = np.isnan(points).all(axis=-1)
    assert singular.any(), "nothing was tested: MMPose inverted all of these on this processor"
    decoded = decode_heatmaps(heatmaps, codec)
    peak = codec.heatmap_to_input(np.array([24, 32]))
    np.testing.assert_array_equal(decoded.keypoints_input_px[singular], np.tile(peak, (singular.sum(), 1)))
    np.testing.assert_allclose(decoded.keypoints_input_px[~singular], points[~singular], atol=1e-3, rtol=1e-5)
    np.testing.assert_array_equal(decoded.keypoint_scores, heatmaps[:, :, 32, 24])


def test_megvii_keeps_a_peak_that_smoothing_drowns() -> None:
    codec = CodecSpec.from_config(CONFIGS["megvii"])
    heatmaps = np.full((1, 1, 64, 48), -50, dtype=np.float32)
    heatmaps[0, 0, 20, 10] = 5
    decoded = decode_heatmaps(heatmaps, codec)
    np.testing.assert_array_equal(decoded.keypoints_input_px[0, 0], (10.5 * 4, 20.5 * 4))
    np.testing.assert_allclose(decoded.keypoint_scores[0, 0], 5 / 255 + 0.5)


def test_combined_offset_that_is_not_finite_falls_back_to_the_peak() -> None:
    codec = CodecSpec.from_config(CONFIGS["udp_combined"])
    heatmaps = np.zeros((1, 6, 64, 48), dtype=np.float32)
    heatmaps[0, ::3, 30, 20] = 1
    heatmaps[0, 1, 30, 20] = np.nan
    heatmaps[0, 4, 30, 20] = 1
    decoded = decode_heatmaps(heatmaps, codec)
    expected = codec.heatmap_to_input(np.array([[20, 30], [20 + 0.0546875 * 64, 30]]))
    np.testing.assert_allclose(decoded.keypoints_input_px[0], expected, rtol=1e-6)


@each_codec
@settings(max_examples=20, deadline=None)
@given(exponent=st.integers(-44, 38), seed=st.integers(0, 99))
def test_extreme_scales_stay_finite_and_silent(name: str, exponent: int, seed: int) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    unit = make_heatmaps("noise", codec, seed, n=1, k=2).astype(np.float64)
    heatmaps = (unit / np.abs(unit).max() * 10.0**exponent).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = decode_heatmaps(heatmaps, codec)
    assert np.isfinite(decoded.keypoint_scores).all()
    positive = heatmaps[:, codec.likelihood_channels].max(axis=(2, 3)) > 0
    if codec.kind != "udp_combined":  # its peak is that of the smoothed map
        np.testing.assert_array_equal(np.isfinite(decoded.keypoints_input_px).all(axis=-1), positive)


@each_codec
@pytest.mark.parametrize("n", [0, 3])
@pytest.mark.parametrize("k", [0, 1])
def test_empty_batches_and_single_keypoints(name: str, n: int, k: int) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    w, h = codec.heatmap_size_wh
    decoded = decode_heatmaps(np.ones((n, codec.num_channels(k), h, w), dtype=np.float32), codec)
    assert decoded.keypoints_input_px.shape == (n, k, 2)
    assert decoded.keypoint_scores.shape == (n, k)
    assert decoded.keypoints_input_px.dtype == decoded.keypoint_scores.dtype == np.float32
    assert len(decoded) == n


@each_codec
def test_memory_order_and_precision_do_not_matter(name: str) -> None:
    codec = CodecSpec.from_config(CONFIGS[name])
    heatmaps = make_heatmaps("noisy", codec, 8)
    expected = decode_heatmaps(heatmaps, codec)
    channels_last = np.ascontiguousarray(heatmaps.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    read_only = heatmaps.copy()
    read_only.flags.writeable = False
    for same in (channels_last, heatmaps.astype(np.float64), read_only):
        decoded = decode_heatmaps(same, codec)
        np.testing.assert_array_equal(decoded.keypoints_input_px, expected.keypoints_input_px)
        np.testing.assert_array_equal(decoded.keypoint_scores, expected.keypoint_scores)


def test_scores_do_not_alias_the_heatmaps() -> None:
    codec = CodecSpec.from_config(CONFIGS["msra"])
    heatmaps = make_heatmaps("clean", codec, 1)
    decoded = decode_heatmaps(heatmaps, codec)
    assert not np.shares_memory(decoded.keypoint_scores, heatmaps)


@pytest.mark.parametrize("shape", [(17, 64, 48), (1, 17, 48, 64), (1, 17, 64, 40)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"expected \(N, K, 64, 48\) for codec 'msra'"):
        decode_heatmaps(np.zeros(shape), CodecSpec.from_config(CONFIGS["msra"]))


def test_a_wrong_number_of_channels_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected \(N, 3 \* K, 64, 48\)"):
        decode_heatmaps(np.zeros((1, 17, 64, 48)), CodecSpec.from_config(CONFIGS["udp_combined"]))


def test_results_are_checked_when_made() -> None:
    with pytest.raises(ShapeError, match="keypoints_input_px"):
        DecodedKeypoints(np.zeros((2, 17, 3), np.float32), np.zeros((2, 17), np.float32))
    with pytest.raises(ShapeError, match="keypoint_scores"):
        DecodedKeypoints(np.zeros((2, 17, 2), np.float32), np.zeros((2, 16), np.float32))


def test_peaks() -> None:
    maps = np.zeros((2, 3, 5, 7))
    maps[1, 2, 4, 6] = maps[1, 2, 3, 1] = 2
    xy, values = heatmap_peaks(maps)
    assert xy.shape == (2, 3, 2)
    np.testing.assert_array_equal(xy[1, 2], (1, 3))
    assert values[1, 2] == 2
    assert heatmap_peaks(np.ones((4, 3)))[0].shape == (2,)
    with pytest.raises(ShapeError):
        heatmap_peaks(np.zeros((2, 0, 5)))


def test_msra_is_fast_enough() -> None:
    codec = CodecSpec.from_config(CONFIGS["msra"])
    heatmaps = make_heatmaps("noisy", codec, 1, n=64, k=17)
    decode_heatmaps(heatmaps, codec)
    spent = []
    for _ in range(5):
        start = time.process_time()
        decode_heatmaps(heatmaps, codec)
        spent.append(time.process_time() - start)
    assert len(heatmaps) / min(spent) > 8000, "persons per second of one core"
