"""How a network's heatmaps encode keypoints: MMPose's top-down heatmap codecs as plain values.

Spaces, in xy order with the origin at the centre of the top-left pixel:
    heatmap_px  the network's output, ``heatmap_size_wh`` pixels
    input_px    the network's input, ``input_size_wh`` pixels

Whether the crop's affine is UDP's is no property of the codec: some of MMPose's configs pair a UDP
codec with the plain affine. It is read from ``TopdownAffine`` in the config's pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ConfigError, ShapeError

__all__ = ["CodecKind", "CodecSpec"]

CodecKind: TypeAlias = Literal["msra", "dark", "udp", "udp_combined", "megvii"]

SUPPORTED: Final = "MSRAHeatmap, UDPHeatmap (gaussian, combined) and MegviiHeatmap"


@dataclass(frozen=True, slots=True)
class CodecSpec:
    """One codec: what a heatmap's channels mean and how a keypoint is read from them.

    Args:
        kind: ``msra`` (+-1/4 pixel towards the higher neighbour), ``dark`` (MSRA's ``unbiased``), ``udp``
            (gaussian), ``udp_combined`` (class map and two offset maps per keypoint) or ``megvii``.
        input_size_wh: The network's input.
        heatmap_size_wh: Its output.
        blur_kernel_size: Of the Gaussian with which the decoder smooths, heatmap_px; ``megvii`` calls it
            ``kernel_size``, and ``udp_combined`` smooths with ``2 * blur_kernel_size + 1``.
        radius_factor: ``udp_combined``: the unit of the offset maps is this times the longer side.
        heatmap_sigma: Of the training targets' Gaussian, heatmap_px; None where the codec has none.
            Decoding does not use it.

    Raises:
        ConfigError: If a value cannot be one of a codec.
    """

    kind: CodecKind
    input_size_wh: tuple[int, int]
    heatmap_size_wh: tuple[int, int]
    blur_kernel_size: int = 11
    radius_factor: float = 0.0546875
    heatmap_sigma: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(CodecKind):
            raise ConfigError(f"codec kind {self.kind!r} is none of {', '.join(get_args(CodecKind))}")
        for name, size in (("input_size", self.input_size_wh), ("heatmap_size", self.heatmap_size_wh)):
            if len(size) != 2 or min(size) < 2:
                raise ConfigError(f"codec {name} {size} must be (width, height), each at least 2 px")
        smallest = 1 if self.kind == "udp_combined" else 3
        if self.blur_kernel_size < smallest or (smallest == 3 and self.blur_kernel_size % 2 == 0):
            raise ConfigError(
                f"blur kernel size {self.blur_kernel_size} of codec {self.kind!r} must be odd and at least 3"
                if smallest == 3
                else f"blur kernel size {self.blur_kernel_size} of codec {self.kind!r} must be at least 1"
            )
        if not np.isfinite(self.radius_factor) or self.radius_factor <= 0:
            raise ConfigError(f"codec radius_factor {self.radius_factor} must be a finite number above 0")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> CodecSpec:
        """Read a codec's config, as it stands at a head's ``decoder`` in an MMPose config.

        Args:
            config: ``{"type": "MSRAHeatmap", "input_size": (w, h), "heatmap_size": (w, h), ...}``. Configs
                of several stages hold a list of codecs: the one the head's ``decoder`` names counts.

        Raises:
            ConfigError: If it is no heatmap codec that can be decoded here, or a value is missing or wrong.
        """
        if not isinstance(config, Mapping):
            raise ConfigError(
                f"a codec's config must be a dictionary, got {type(config).__name__}: pass the head's decoder"
            )
        name = str(config.get("type", "")).rsplit(".", 1)[-1]
        if name == "MSRAHeatmap":
            return cls(
                kind="dark" if config.get("unbiased", False) else "msra",
                input_size_wh=_size(config, "input_size"),
                heatmap_size_wh=_size(config, "heatmap_size"),
                blur_kernel_size=_whole(config, "blur_kernel_size", 11),
                heatmap_sigma=_number(config, "sigma", None),
            )
        if name == "UDPHeatmap":
            return cls(
                kind=_udp_kind(config),
                input_size_wh=_size(config, "input_size"),
                heatmap_size_wh=_size(config, "heatmap_size"),
                blur_kernel_size=_whole(config, "blur_kernel_size", 11),
                radius_factor=_number(config, "radius_factor", 0.0546875) or 0.0,
                heatmap_sigma=_number(config, "sigma", 2.0),
            )
        if name == "MegviiHeatmap":
            return cls(
                kind="megvii",
                input_size_wh=_size(config, "input_size"),
                heatmap_size_wh=_size(config, "heatmap_size"),
                blur_kernel_size=_whole(config, "kernel_size", None),
            )
        raise ConfigError(
            f"codec {config.get('type')!r} is no top-down heatmap codec that can be decoded here; "
            f"these can: {SUPPORTED}. Choose a model with one of them"
        )

    @property
    def maps_per_keypoint(self) -> int:
        """Channels that one keypoint takes: 3 for ``udp_combined``, else 1."""
        return 3 if self.kind == "udp_combined" else 1

    @property
    def likelihood_channels(self) -> slice:
        """Which of the network's channels are likelihoods: ``heatmaps[:, codec.likelihood_channels]``."""
        return slice(0, None, self.maps_per_keypoint)

    def num_channels(self, num_keypoints: int) -> int:
        """Channels of the network's output for that many keypoints."""
        return num_keypoints * self.maps_per_keypoint

    def heatmap_to_input(self, points_hm: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Map points from heatmap_px to input_px as the codec's decoder does.

        Convention: UDP maps the first and last pixel's centres to 0 and to the input's size; the others
        scale by ``input / heatmap``.

        Args:
            points_hm: (..., 2) heatmap_px; NaN stays NaN.

        Returns:
            (..., 2) float32, input_px. The input is not modified.

        Raises:
            ShapeError: If the last dimension is not 2.
        """
        points = np.asarray(points_hm)
        if points.shape[-1:] != (2,):
            raise ShapeError("points_hm", points.shape, "(..., 2)")
        if self.kind in ("udp", "udp_combined"):
            ends = np.array(self.heatmap_size_wh) - 1
            # In double precision as in MMPose, in the same order of operations.
            stretched: npt.NDArray[np.float64] = points.astype(np.float64) / ends * self.input_size_wh
            return stretched.astype(np.float32)
        factor = (np.array(self.input_size_wh) / self.heatmap_size_wh).astype(np.float32)
        scaled: npt.NDArray[np.float32] = points.astype(np.float32) * factor
        return scaled


def _udp_kind(config: Mapping[str, Any]) -> CodecKind:
    heatmap_type = config.get("heatmap_type", "gaussian")
    if heatmap_type == "gaussian":
        return "udp"
    if heatmap_type == "combined":
        return "udp_combined"
    raise ConfigError(f"UDPHeatmap's heatmap_type {heatmap_type!r} must be 'gaussian' or 'combined'")


def _size(config: Mapping[str, Any], key: str) -> tuple[int, int]:
    value = config.get(key)
    try:
        w, h = value  # type: ignore[misc]
        size = (int(w), int(h))
        exact = size == (w, h)
    except (TypeError, ValueError):
        exact = False
    if not exact:
        raise ConfigError(f"{config.get('type')}'s {key} {value!r} must be two whole numbers (width, height)")
    return size


def _whole(config: Mapping[str, Any], key: str, default: int | None) -> int:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(f"{config.get('type')}'s {key} {value!r} must be a whole number")
    return int(value)


def _number(config: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = config.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ConfigError(f"{config.get('type')}'s {key} {value!r} must be a number")
    return float(value)
