from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from fo_pose_plugin.errors import ConfigError, ShapeError
from fo_pose_plugin.models.codecs import CodecSpec

SIZES: dict[str, Any] = {"input_size": (192, 256), "heatmap_size": (48, 64)}


@pytest.mark.parametrize(
    ("config", "kind", "kernel", "sigma"),
    [
        ({"type": "MSRAHeatmap", "sigma": 2}, "msra", 11, 2.0),
        ({"type": "mmpose.MSRAHeatmap", "sigma": 1.5}, "msra", 11, 1.5),
        ({"type": "MSRAHeatmap", "sigma": 2, "unbiased": False}, "msra", 11, 2.0),
        ({"type": "MSRAHeatmap", "sigma": 3, "unbiased": True, "blur_kernel_size": 17}, "dark", 17, 3.0),
        ({"type": "UDPHeatmap"}, "udp", 11, 2.0),
        ({"type": "UDPHeatmap", "sigma": 3, "heatmap_type": "combined"}, "udp_combined", 11, 3.0),
        ({"type": "MegviiHeatmap", "kernel_size": 15}, "megvii", 15, None),
    ],
)
def test_mmpose_configs_are_read(config: dict[str, Any], kind: str, kernel: int, sigma: float | None) -> None:
    codec = CodecSpec.from_config({**SIZES, **config})
    assert (codec.kind, codec.blur_kernel_size, codec.heatmap_sigma) == (kind, kernel, sigma)
    assert (codec.input_size_wh, codec.heatmap_size_wh) == ((192, 256), (48, 64))


def test_sizes_may_be_lists_as_json_has_them() -> None:
    lists = {"type": "MSRAHeatmap", "sigma": 2, "input_size": [192, 256], "heatmap_size": [48, 64]}
    assert CodecSpec.from_config(lists) == CodecSpec.from_config({**lists, **SIZES})


@pytest.mark.parametrize("codec_type", ["SimCCLabel", "RegressionLabel", "IntegralRegressionLabel", None])
def test_another_codec_is_named_with_those_that_work(codec_type: str | None) -> None:
    with pytest.raises(ConfigError, match=r"MSRAHeatmap, UDPHeatmap .* and MegviiHeatmap") as caught:
        CodecSpec.from_config({**SIZES, "type": codec_type})
    assert repr(codec_type) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_size": None}, "input_size None"),
        ({"heatmap_size": (48,)}, "heatmap_size"),
        ({"heatmap_size": (48.5, 64)}, "48.5"),
        ({"heatmap_size": (1, 64)}, "at least 2 px"),
        ({"blur_kernel_size": 10}, "must be odd"),
        ({"blur_kernel_size": "11"}, "whole number"),
        ({"sigma": "two"}, "'two' must be a number"),
        ({"type": "UDPHeatmap", "heatmap_type": "both"}, "'both' must be 'gaussian' or 'combined'"),
        ({"type": "UDPHeatmap", "heatmap_type": "combined", "radius_factor": 0}, "radius_factor"),
        ({"type": "UDPHeatmap", "heatmap_type": "combined", "blur_kernel_size": 0}, "at least 1"),
        ({"type": "MegviiHeatmap"}, "kernel_size None"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        CodecSpec.from_config({**SIZES, "type": "MSRAHeatmap", "sigma": 2, **change})


def test_a_list_of_codecs_is_refused_with_the_way() -> None:
    with pytest.raises(ConfigError, match="pass the head's decoder"):
        CodecSpec.from_config([{**SIZES, "type": "MegviiHeatmap", "kernel_size": 11}])  # type: ignore[arg-type]


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'simcc' is none of msra, dark"):
        CodecSpec(kind="simcc", input_size_wh=(192, 256), heatmap_size_wh=(48, 64))  # type: ignore[arg-type]


def test_channels() -> None:
    msra = CodecSpec("msra", (192, 256), (48, 64))
    combined = dataclasses.replace(msra, kind="udp_combined")
    assert (msra.num_channels(17), combined.num_channels(17)) == (17, 51)
    channels = np.arange(51)
    assert len(channels[msra.likelihood_channels]) == 51
    np.testing.assert_array_equal(channels[combined.likelihood_channels], np.arange(17) * 3)


def test_points_are_mapped_to_the_input() -> None:
    corners = np.array([[0, 0], [47, 63], [np.nan, np.nan]], dtype=np.float32)
    before = corners.copy()
    msra = CodecSpec("msra", (192, 256), (48, 64))
    np.testing.assert_array_equal(msra.heatmap_to_input(corners), corners * 4)
    udp = dataclasses.replace(msra, kind="udp")
    np.testing.assert_array_equal(udp.heatmap_to_input(corners)[:2], [[0, 0], [192, 256]])
    assert np.isnan(udp.heatmap_to_input(corners)[2]).all()
    np.testing.assert_array_equal(corners, before)
    with pytest.raises(ShapeError):
        msra.heatmap_to_input(np.zeros((3, 3)))
