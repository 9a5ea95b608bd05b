"""Read the evidence from heatmaps, whatever codec they are of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.signals import HeatmapSignals, heatmap_signals, peak_radius
from fo_pose_plugin.inference.decoding import MEGVII_PEAK
from fo_pose_plugin.models.codecs import CodecKind

__all__ = ["read_evidence"]

COMBINED_RADIUS_PER_SIDE = 0.0546875  # the default of MMPose's UDPHeatmap; kept files do not tell


def read_evidence(likelihoods: npt.NDArray[np.float32], kind: CodecKind) -> HeatmapSignals:
    """Read the evidence from N people's likelihoods.

    Args:
        likelihoods: (N, K, h, w), the codec's likelihood channels.
        kind: The codec's kind.
    """
    height, width = likelihoods.shape[2:]
    radius = peak_radius((width, height))
    if kind == "udp_combined":
        # Its targets are discs, on which the highest pixel may be anywhere: another one across the disc's
        # diameter is still the same peak.
        radius = 2 * COMBINED_RADIUS_PER_SIDE * max(height, width)
    scale = float(MEGVII_PEAK) if kind == "megvii" else 1.0
    return heatmap_signals(likelihoods, scale_max=scale, radius=radius)
