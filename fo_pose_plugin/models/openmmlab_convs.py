"""Deformable convolution and attention, as ``mmcv._ext`` has them, on torch and torchvision.

Convention: names, argument order and "write into the tensor that was passed" are mmcv 2.1's, whose
Python side calls these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torchvision
from torch import Tensor

__all__ = [
    "deform_conv_backward_input",
    "deform_conv_backward_parameters",
    "deform_conv_forward",
    "gradients",
    "modulated_deform_conv_backward",
    "modulated_deform_conv_forward",
    "ms_deform_attn_forward",
]


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **layout: int,
) -> None:
    """Deformable convolution (Dai et al., ICCV 2017) of (B, C, H, W) into ``output``."""
    output.copy_(_deform_conv(input, weight, offset, None, None, layout))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **layout: int,
) -> None:
    """Write the gradients of ``deform_conv_forward`` by its input and its offsets."""

    def forward(x: Tensor, o: Tensor) -> Tensor:
        return _deform_conv(x, weight, o, None, None, layout)

    for target, value in zip(
        (grad_input, grad_offset), gradients(forward, grad_output, input, offset), strict=True
    ):
        target.copy_(value)


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    scale: float = 1.0,
    **layout: int,
) -> None:
    """Add ``scale`` times the gradient of ``deform_conv_forward`` by its weight to ``grad_weight``."""

    def forward(w: Tensor) -> Tensor:
        return _deform_conv(input, w, offset, None, None, layout)

    # A convolution is linear in its weight: where the gradient is taken does not matter.
    (gradient,) = gradients(forward, grad_output, torch.zeros_like(grad_weight))
    grad_weight.add_(gradient, alpha=scale)


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    with_bias: bool,
    **layout: int,
) -> None:
    """Modulated deformable convolution (Zhu et al., CVPR 2019) of (B, C, H, W) into ``output``."""
    output.copy_(_deform_conv(input, weight, offset, mask, bias if with_bias else None, layout))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    with_bias: bool,
    **layout: int,
) -> None:
    """Write the gradients of ``modulated_deform_conv_forward``."""

    def forward(x: Tensor, w: Tensor, o: Tensor, m: Tensor, *b: Tensor) -> Tensor:
        return _deform_conv(x, w, o, m, b[0] if b else None, layout)

    sources = [input, weight, offset, mask]
    targets = [grad_input, grad_weight, grad_offset, grad_mask]
    if with_bias:
        sources.append(bias)
        targets.append(grad_bias)
    for target, value in zip(targets, gradients(forward, grad_output, *sources), strict=True):
        target.copy_(value)


def _deform_conv(
    features: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    bias: Tensor | None,
    layout: Mapping[str, int],
) -> Tensor:
    """Call torchvision's; groups and deformable groups follow from the shapes there."""

    def pair(name: str, short: str) -> tuple[int, int]:
        # mmcv calls it dH, padH, dilationH in the plain operator and stride_h, pad_h, dilation_h here.
        if f"{short}H" in layout:
            return layout[f"{short}H"], layout[f"{short}W"]
        return layout[f"{name}_h"], layout[f"{name}_w"]

    stride, padding, dilation = pair("stride", "d"), pair("pad", "pad"), pair("dilation", "dilation")
    convolved: Tensor = torchvision.ops.deform_conv2d(
        features, offset, weight, bias, stride=stride, padding=padding, dilation=dilation, mask=mask
    )
    return convolved


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Multi-scale deformable attention (Zhu et al., ICLR 2021): mmcv's own Python version of it."""
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    shapes = value_spatial_shapes.tolist()
    attended: Tensor = multi_scale_deformable_attn_pytorch(
        value, shapes, sampling_locations, attention_weights
    )
    return attended


def gradients(function: Callable[..., Tensor], grad_output: Tensor, *at: Tensor) -> tuple[Tensor, ...]:
    """Differentiate ``function`` at the given tensors, weighted by ``grad_output``."""
    with torch.enable_grad():
        leaves = [tensor.detach().requires_grad_() for tensor in at]
        return torch.autograd.grad(function(*leaves), leaves, grad_output.contiguous())
