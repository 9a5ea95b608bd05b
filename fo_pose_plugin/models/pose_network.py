"""A top-down heatmap network: crops in, heatmaps out.

Coordinate space: crops are input_px; the heatmaps are the raw output of MMPose's head, heatmap_px.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import ConfigError, ShapeError
from fo_pose_plugin.models.building import build_network
from fo_pose_plugin.models.codecs import CodecSpec

if TYPE_CHECKING:
    import torch

__all__ = ["NetworkSpec", "PoseNetwork", "build_pose_network"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]

DEFAULT_PADDING = 1.25


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What the config says about a network, without building it.

    Args:
        skeleton: Its keypoints.
        codec: How its heatmaps are decoded.
        input_size_wh: Its input.
        padding: Factor on the box's size when it is cut out.
        udp_affine: Whether crops are cut out by UDP's affine. Six of MMPose's configs pair a UDP codec with
            the plain affine, so this is read from the pipeline and not from the codec.
        flip_mode: How MMPose mirrors this head's output.
        shift_heatmap: Whether the mirrored heatmaps are moved by one pixel before averaging.
        output_keypoints: Which of the head's keypoints are the skeleton's; None for all of them. Models
            trained on several data sets at once give more than the one they are tested on has.
    """

    skeleton: Skeleton
    codec: CodecSpec
    input_size_wh: tuple[int, int]
    padding: float
    udp_affine: bool
    flip_mode: str
    shift_heatmap: bool
    output_keypoints: tuple[int, ...] | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any], metainfo: Mapping[str, Any]) -> NetworkSpec:
        """Read a resolved MMPose config.

        Raises:
            ConfigError: If it is no top-down heatmap model, or its parts contradict each other.
        """
        model = config.get("model") or {}
        # Older configs say TopdownPoseEstimator, newer ones mmpose.models.TopdownPoseEstimator.
        if str(model.get("type", "")).split(".")[-1] != "TopdownPoseEstimator":
            raise ConfigError(
                f"the config's model is {model.get('type')!r}, expected 'TopdownPoseEstimator': this plugin "
                "runs top-down heatmap models (MMPose's configs under topdown_heatmap/)"
            )
        head = model.get("head") or {}
        head = head.get("pose_cfg", head)
        if not head.get("decoder"):
            raise ConfigError(
                f"the config's head {head.get('type')!r} has no decoder, so it gives no heatmaps"
            )
        affine = _pipeline_step(config, "TopdownAffine")
        test_cfg = model.get("test_cfg") or {}
        skeleton = Skeleton.from_metainfo(metainfo)
        codec = CodecSpec.from_config(head["decoder"])
        chosen = test_cfg.get("output_keypoint_indices")
        given = len(chosen) * codec.maps_per_keypoint if chosen is not None else head.get("out_channels")
        if isinstance(given, int) and given != codec.num_channels(len(skeleton)):
            raise ConfigError(
                f"the head gives {given} channels, but the data set {skeleton.name!r} has {len(skeleton)} "
                "keypoints: give the config the metainfo of the data set it was trained on"
            )
        width, height = affine["input_size"]
        return cls(
            skeleton=skeleton,
            codec=codec,
            input_size_wh=(int(width), int(height)),
            padding=float(_pipeline_step(config, "GetBBoxCenterScale").get("padding", DEFAULT_PADDING)),
            udp_affine=bool(affine.get("use_udp", False)),
            flip_mode=str(test_cfg.get("flip_mode", "heatmap")),
            shift_heatmap=bool(test_cfg.get("shift_heatmap", False)),
            output_keypoints=None if chosen is None else tuple(int(index) for index in chosen),
        )


class PoseNetwork:
    """A built network on one device.

    Args:
        spec: What its config says.
        model: MMPose's model, with weights, in evaluation mode, on ``device``.
        device: e.g. ``cpu`` or ``cuda:0``.
    """

    def __init__(self, spec: NetworkSpec, model: torch.nn.Module, device: str) -> None:
        self.spec = spec
        self.device = device
        self._model: Any = model
        self._head: Any = getattr(self._model.head, "pose_head", self._model.head)

    def __repr__(self) -> str:
        return f"PoseNetwork({self.spec.skeleton!r}, {self.spec.input_size_wh}, device={self.device!r})"

    def heatmaps(self, crops_bgr: UInt8, *, flip_test: bool) -> Float32:
        """Run the network once over all crops.

        Args:
            crops_bgr: (N, H, W, 3) uint8, input_px.
            flip_test: Whether to average with the mirrored crops' output; both passes share one batch.

        Returns:
            (N, C, h, w) float32: C is K, or 3K for UDP's combined heatmaps and offsets.
        """
        import torch

        w, h = self.spec.input_size_wh
        if crops_bgr.ndim != 4 or crops_bgr.shape[1:] != (h, w, 3):
            raise ShapeError("crops_bgr", crops_bgr.shape, f"(N, {h}, {w}, 3)")
        with torch.inference_mode():
            batch = torch.from_numpy(crops_bgr).to(self.device).permute(0, 3, 1, 2)
            inputs = self._model.data_preprocessor({"inputs": batch, "data_samples": []})["inputs"]
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            if not flip_test:
                output = self._forward(inputs)
            else:
                both = self._forward(torch.cat([inputs, inputs.flip(-1)]))
                plain, mirrored = both.chunk(2)
                output = (plain + self._mirror_back(mirrored)) * 0.5
            result: Float32 = output.float().cpu().numpy()
        return result

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output = self._head.forward(self._model.extract_feat(inputs))
        # Multi-stage heads (CPM, MSPN) give every stage's heatmaps; the last stage's are the result.
        while isinstance(output, list | tuple):
            output = output[-1]
        tensor: torch.Tensor = output
        if self.spec.output_keypoints is None:
            return tensor
        maps = self.spec.codec.maps_per_keypoint
        return tensor[
            :, [maps * index + part for index in self.spec.output_keypoints for part in range(maps)]
        ]

    def _mirror_back(self, mirrored: torch.Tensor) -> torch.Tensor:
        from mmpose.models.utils.tta import flip_heatmaps

        unmirrored: torch.Tensor = flip_heatmaps(
            mirrored.contiguous(),  # it views the channels of UDP's combined maps as (K, 3)
            flip_mode=self.spec.flip_mode,
            flip_indices=list(self.spec.skeleton.flip_indices),
            shift_heatmap=self.spec.shift_heatmap,
        )
        return unmirrored


def build_pose_network(
    config: Mapping[str, Any],
    metainfo: Mapping[str, Any],
    checkpoint: str | None,
    *,
    sha256: str | None = None,
    device: str | None = None,
) -> PoseNetwork:
    """Build a network from its resolved config and load its weights.

    Args:
        config: What ``models.configs.read_config`` gave.
        metainfo: What ``models.configs.pose_metainfo`` gave.
        checkpoint: The weights' file, or None for random weights.
        sha256: What the file must hash to.
        device: See ``models.building.choose_device``.

    Raises:
        InstallationError: If OpenMMLab, or a package that this one model needs, is missing.
        ConfigError: If the config is no top-down heatmap model.
        CheckpointError: If the weights do not fit or are not the expected ones.
    """
    import torch

    spec = NetworkSpec.from_config(config, metainfo)
    model, chosen = build_network(config, "mmpose", checkpoint, sha256=sha256, device=device)
    return PoseNetwork(spec, model.to(memory_format=torch.channels_last), chosen)


def _pipeline_step(config: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    for loader in ("test_dataloader", "val_dataloader"):
        dataset = (config.get(loader) or {}).get("dataset") or {}
        for transform in dataset.get("pipeline") or ():
            if str(transform.get("type", "")).split(".")[-1] == step:
                found: Mapping[str, Any] = transform
                return found
    raise ConfigError(f"the config's test pipeline has no {step}: it is no top-down model of MMPose 1.x")
