"""What stands in for ``mmcv._ext``, mmcv's compiled operators, when only mmcv-lite is installed.

The operators that person detectors need are expressed with torch and torchvision, on any device.
Every other operator is there too, so that ``mmcv.ops`` imports, and raises when it is called.

Convention: names, argument order and "write into the tensor that was passed" are mmcv 2.1's, whose
Python side calls these functions. Boxes are ``x1, y1, x2, y2``; RoIs ``batch_index, x1, y1, x2, y2``.
"""

from __future__ import annotations

import importlib.machinery
import types
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import torch
import torchvision
from torch import Tensor

from fo_pose_plugin.models import openmmlab_convs

__all__ = ["standin_module"]

Pair: TypeAlias = tuple[int, int]


def standin_module(name: str) -> types.ModuleType:
    """Make a module that can take the place of ``mmcv._ext``, under that name."""
    module = _StandIn(name, "mmcv's operators on torchvision, for mmcv-lite")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    return module


class _StandIn(types.ModuleType):
    """A module that has every operator: the ones below, and for the rest one that raises."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _OPERATORS.get(name) or _missing(name)


def _missing(name: str) -> Callable[..., NoReturn]:
    def operator(*_args: object, **_kwargs: object) -> NoReturn:
        raise NotImplementedError(
            f"this model uses mmcv's operator '{name}', which mmcv-lite does not have: choose another model, "
            "or install the full mmcv 2.1.0, compiled for this torch, in place of mmcv-lite"
        )

    operator.__name__ = name
    return operator


def get_compiler_version() -> str:
    """Say that nothing was compiled."""
    return "none (torchvision)"


def get_compiling_cuda_version() -> str:
    """Say that nothing was compiled."""
    return "none (torchvision)"


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Keep the best of boxes that overlap.

    Args:
        boxes: (N, 4).
        scores: (N,).
        iou_threshold: Boxes above it are dropped.
        offset: 1 where a box's width is ``x2 - x1 + 1``.

    Returns:
        (M,) int64, the indices kept, best first.
    """
    # torchvision has no half precision NMS on a CPU, and half boxes are too coarse to compare anyway.
    boxes = boxes if boxes.dtype == torch.float64 else boxes.float()
    if offset:
        boxes = torch.cat([boxes[:, :2], boxes[:, 2:] + offset], dim=1)
    kept: Tensor = torchvision.ops.nms(boxes, scores.to(boxes.dtype), iou_threshold)
    return kept


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Lower the scores of boxes that overlap a better one, instead of dropping them.

    Args:
        boxes: (N, 4).
        scores: (N,).
        dets: (N, 5), overwritten: its first M rows become ``x1, y1, x2, y2, new score``.
        iou_threshold: From here on ``method`` 0 and 1 act.
        sigma: Width of ``method`` 2.
        min_score: A box whose new score is below it is dropped; the best box never is.
        method: 0 drops, 1 lowers by the overlap, 2 by a Gaussian of it.
        offset: 1 where a box's width is ``x2 - x1 + 1``.

    Returns:
        (M,) int64, the indices kept, best first.

    Source: Bodla et al., ICCV 2017.
    """
    corners = boxes.double()
    current = scores.double().clone()
    areas = (corners[:, 2:] - corners[:, :2] + offset).prod(dim=1)
    left = torch.arange(len(boxes), device=boxes.device)
    kept: list[int] = []
    while len(left):
        at = int(current[left].argmax())
        best = int(left[at])
        dets[len(kept), :4] = boxes[best]
        dets[len(kept), 4] = current[best]
        kept.append(best)
        left = torch.cat([left[:at], left[at + 1 :]])
        top_left = torch.maximum(corners[left, :2], corners[best, :2])
        bottom_right = torch.minimum(corners[left, 2:], corners[best, 2:])
        shared = (bottom_right - top_left + offset).clamp(min=0).prod(dim=1)
        iou = shared / (areas[best] + areas[left] - shared)
        current[left] *= _soft_weight(iou, iou_threshold, sigma, method)
        left = left[current[left] >= min_score]
    return torch.tensor(kept, dtype=torch.long, device=boxes.device)


def _soft_weight(iou: Tensor, iou_threshold: float, sigma: float, method: int) -> Tensor:
    if method == 2:
        return torch.exp(-iou.square() / sigma)
    lowered = 1 - iou if method == 1 else torch.zeros_like(iou)
    return torch.where(iou >= iou_threshold, lowered, 1.0)


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Sample (R, C, h, w) from (B, C, H, W) by bilinear interpolation, into ``output``."""
    if pool_mode != 1:
        _missing("roi_align with pool_mode='max'")()
    size = (aligned_height, aligned_width)
    output.copy_(_roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned))


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the gradient of ``roi_align_forward`` into ``grad_input``."""
    size = (aligned_height, aligned_width)

    def forward(features: Tensor) -> Tensor:
        return _roi_align(features, rois, size, spatial_scale, sampling_ratio, aligned)

    grad_input.copy_(openmmlab_convs.gradients(forward, grad_output, torch.zeros_like(grad_input))[0])


def _roi_align(features: Tensor, rois: Tensor, size: Pair, scale: float, ratio: int, aligned: bool) -> Tensor:
    rois = rois.to(features.dtype)
    sampled: Tensor = torchvision.ops.roi_align(features, rois, size, scale, ratio, aligned)
    return sampled


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Write the maximum of each bin into ``output`` (R, C, h, w) and its place ``y * W + x`` into ``argmax``.

    torchvision's roi_pool rounds a RoI to whole pixels and mmcv's does not, so this one is written out.
    A bin without a pixel is 0, and its ``argmax`` -1.
    """
    output.zero_()
    argmax.fill_(-1)
    height, width = input.shape[2:]
    bins = torch.tensor([pooled_height, pooled_width])
    for r, roi in enumerate(rois.detach().float().cpu()):
        start, end = roi[1:3].flip(0) * spatial_scale, (roi[3:5].flip(0) + 1) * spatial_scale
        if (end <= start).any():
            continue
        step = (end - start) / bins
        for by in range(pooled_height):
            y1, y2 = _bin_range(by, step[0], start[0], height)
            for bx in range(pooled_width):
                x1, x2 = _bin_range(bx, step[1], start[1], width)
                if y2 <= y1 or x2 <= x1:
                    continue
                best, at = input[int(roi[0]), :, y1:y2, x1:x2].flatten(1).max(dim=1)
                output[r, :, by, bx] = best
                argmax[r, :, by, bx] = (y1 + at // (x2 - x1)) * width + x1 + at % (x2 - x1)


def _bin_range(index: int, step: Tensor, start: Tensor, limit: int) -> Pair:
    first = torch.floor(index * step + start).clamp(0, limit)
    last = torch.ceil((index + 1) * step + start).clamp(0, limit)
    return int(first), int(last)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add the gradient of ``roi_pool_forward`` to ``grad_input``."""
    flat = grad_input.view(*grad_input.shape[:2], -1)
    for r, image in enumerate(rois[:, 0].long().tolist()):
        places = argmax[r].flatten(1).long()
        pooled = torch.where(places >= 0, grad_output[r].flatten(1), 0.0)
        flat[image].scatter_add_(1, places.clamp(min=0), pooled.to(flat.dtype))


_OPERATORS: Mapping[str, Callable[..., Any]] = types.MappingProxyType(
    {
        function.__name__: function
        for function in (
            get_compiler_version,
            get_compiling_cuda_version,
            nms,
            softnms,
            roi_align_forward,
            roi_align_backward,
            roi_pool_forward,
            roi_pool_backward,
            openmmlab_convs.deform_conv_forward,
            openmmlab_convs.deform_conv_backward_input,
            openmmlab_convs.deform_conv_backward_parameters,
            openmmlab_convs.modulated_deform_conv_forward,
            openmmlab_convs.modulated_deform_conv_backward,
            openmmlab_convs.ms_deform_attn_forward,
        )
    }
)
