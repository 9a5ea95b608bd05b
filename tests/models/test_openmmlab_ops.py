"""mmcv's operators on torchvision, against oracles written out in loops and against finite differences."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fo_pose_plugin.models import openmmlab


@pytest.fixture(scope="module")
def ops() -> Any:
    openmmlab.prepare()
    import mmcv.ops

    return mmcv.ops


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def some_boxes(rng: torch.Generator, count: int) -> Tensor:
    corner = torch.rand(count, 2, generator=rng) * 60
    return torch.cat([corner, corner + 1 + torch.rand(count, 2, generator=rng) * 40], dim=1)


def overlap(a: list[float], b: list[float], offset: int) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
    areas = [(c[2] - c[0] + offset) * (c[3] - c[1] + offset) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_nms_keeps_what_a_greedy_loop_keeps(
    ops: Any, rng: torch.Generator, threshold: float, offset: int
) -> None:
    boxes, scores = some_boxes(rng, 80), torch.rand(80, generator=rng)
    rows, expected = boxes.double().tolist(), []
    for index in scores.argsort(descending=True).tolist():
        if all(overlap(rows[index], rows[kept], offset) <= threshold for kept in expected):
            expected.append(index)
    dets, kept = ops.nms(boxes, scores, threshold, offset=offset)
    assert kept.tolist() == expected
    assert torch.equal(dets, torch.cat([boxes, scores[:, None]], dim=1)[kept])


def test_nms_takes_half_precision_no_boxes_and_numpy(ops: Any, rng: torch.Generator) -> None:
    boxes, scores = some_boxes(rng, 30), torch.rand(30, generator=rng)
    coarse = boxes.half()
    assert torch.equal(
        ops.nms(coarse, scores.half(), 0.5)[1],
        ops.nms(coarse.float(), scores.half().float(), 0.5)[1],
    )
    assert ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5)[1].tolist() == []
    kept = ops.nms(boxes.numpy(), scores.numpy(), 0.5)[1]
    assert isinstance(kept, np.ndarray)


def test_batched_nms_keeps_classes_apart(ops: Any) -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 9]])
    scores, classes = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 1, 0])
    _, kept = ops.batched_nms(boxes, scores, classes, {"type": "nms", "iou_threshold": 0.5})
    assert kept.tolist() == [0, 1]


def soft_nms_in_loops(
    boxes: list[list[float]], scores: list[float], threshold: float, sigma: float, floor: float, method: str
) -> list[tuple[int, float]]:
    left, kept = list(enumerate(scores)), []
    while left:
        best = max(left, key=lambda item: item[1])
        left.remove(best)
        kept.append(best)
        lowered = []
        for index, score in left:
            iou = overlap(boxes[best[0]], boxes[index], 0)
            if method == "gaussian":
                score *= math.exp(-iou * iou / sigma)
            elif iou >= threshold:
                score *= 1 - iou if method == "linear" else 0
            if score >= floor:
                lowered.append((index, score))
        left = lowered
    return kept


@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
def test_softnms_lowers_scores_as_a_loop_does(ops: Any, rng: torch.Generator, method: str) -> None:
    boxes, scores = some_boxes(rng, 60), torch.rand(60, generator=rng)
    expected = soft_nms_in_loops(boxes.double().tolist(), scores.double().tolist(), 0.3, 0.5, 0.05, method)
    dets, kept = ops.soft_nms(boxes, scores, 0.3, sigma=0.5, min_score=0.05, method=method)
    assert kept.tolist() == [index for index, _ in expected]
    assert dets[:, 4].tolist() == pytest.approx([score for _, score in expected], abs=1e-6)
    assert torch.equal(dets[:, :4], boxes[kept])


def test_softnms_of_no_boxes_is_empty(ops: Any) -> None:
    dets, kept = ops.soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5)
    assert kept.tolist() == []


def sample(plane: Tensor, y: float, x: float, *, clamp: bool) -> float:
    """Interpolate one plane; outside it lies 0, or for RoIAlign (``clamp``) up to a pixel of its edge."""
    height, width = plane.shape
    if clamp:
        if y < -1 or y > height or x < -1 or x > width:
            return 0.0
        y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * float(plane[row, column])
    return total


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 2])
def test_roi_align_averages_bilinear_samples(
    ops: Any, rng: torch.Generator, aligned: bool, ratio: int
) -> None:
    features = torch.randn(2, 3, 12, 10, generator=rng)
    rois = torch.tensor([[0, 1.3, 2.1, 13.7, 15.2], [1, -3, 4, 9, 30], [1, 5, 5, 5.5, 5.5]])
    pooled = ops.roi_align(features, rois, (3, 2), 0.5, ratio, "avg", aligned)
    shift, least = (0.5, 0.0) if aligned else (0.0, 1.0)
    for r, (image, *box) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (value * 0.5 - shift for value in box)
        bin_h, bin_w = max(y2 - y1, least) / 3, max(x2 - x1, least) / 2
        count_y, count_x = ratio or math.ceil(bin_h), ratio or math.ceil(bin_w)
        for by in range(3):
            for bx in range(2):
                values = [
                    [
                        sample(
                            plane,
                            y1 + bin_h * (by + (i + 0.5) / count_y),
                            x1 + bin_w * (bx + (j + 0.5) / count_x),
                            clamp=True,
                        )
                        for i in range(count_y)
                        for j in range(count_x)
                    ]
                    for plane in features[int(image)]
                ]
                expected = [sum(v) / max(len(v), 1) for v in values]
                assert pooled[r, :, by, bx].tolist() == pytest.approx(expected, abs=1e-5)


def test_roi_align_by_the_maximum_says_that_it_is_missing(ops: Any, rng: torch.Generator) -> None:
    with pytest.raises(NotImplementedError, match="pool_mode='max'"):
        ops.roi_align(torch.ones(1, 1, 4, 4), torch.tensor([[0.0, 0, 0, 2, 2]]), 2, 1.0, 0, "max", True)


def test_roi_pool_takes_the_maximum_without_rounding_the_roi(ops: Any, rng: torch.Generator) -> None:
    features = torch.randn(2, 3, 12, 10, generator=rng)
    # No bin ends on a whole pixel, where single and double precision may differ.
    rois = torch.tensor([[0, 1.3, 2.1, 13.2, 15.2], [1, -3, 4, 9, 30], [1, 9, 9, 4, 4], [0, 40, 40, 50, 50]])
    pooled = ops.roi_pool(features, rois, (3, 2), 0.5)
    for r, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        top, left = y1 * 0.5, x1 * 0.5
        bin_h, bin_w = ((y2 + 1) * 0.5 - top) / 3, ((x2 + 1) * 0.5 - left) / 2
        for by in range(3):
            for bx in range(2):
                rows = range(max(math.floor(top + by * bin_h), 0), min(math.ceil(top + (by + 1) * bin_h), 12))
                columns = range(
                    max(math.floor(left + bx * bin_w), 0), min(math.ceil(left + (bx + 1) * bin_w), 10)
                )
                for channel, plane in enumerate(features[int(image)]):
                    values = [float(plane[y, x]) for y in rows for x in columns]
                    empty = not values or bin_h <= 0 or bin_w <= 0
                    expected = 0.0 if empty else max(values)
                    assert float(pooled[r, channel, by, bx]) == pytest.approx(expected, abs=1e-6)


def deform_conv_in_loops(
    x: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor, deform_groups: int
) -> Tensor:
    """Stride (2, 1), padding (1, 2), dilation (1, 2)."""
    channels_out, per_group, kernel_h, kernel_w = weight.shape
    groups = x.shape[1] // per_group
    output = torch.zeros(len(x), channels_out, *offset.shape[2:], dtype=x.dtype)
    for b, o, oy, ox in np.ndindex(*output.shape):
        total = float(bias[o])
        for c, ky, kx in np.ndindex(per_group, kernel_h, kernel_w):
            channel = o // (channels_out // groups) * per_group + c
            deform_group = channel // (x.shape[1] // deform_groups)
            tap = (deform_group * kernel_h + ky) * kernel_w + kx
            dy, dx = offset[b, 2 * tap, oy, ox], offset[b, 2 * tap + 1, oy, ox]
            y, at_x = oy * 2 - 1 + ky + float(dy), ox - 2 + kx * 2 + float(dx)
            value = sample(x[b, channel], y, at_x, clamp=False)
            total += value * float(mask[b, tap, oy, ox] * weight[o, c, ky, kx])
        output[b, o, oy, ox] = total
    return output


class DeformCase:
    """One small deformable convolution: groups 2, deformable groups 2, everything else uneven."""

    layout = ((2, 1), (1, 2), (1, 2), 2, 2)

    def __init__(self, rng: torch.Generator) -> None:
        def random(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=rng, dtype=torch.float64)

        self.x = random(2, 4, 5, 4)
        self.weight = random(6, 2, 3, 2)
        height, width = 3, 6
        self.offset = random(2, 2 * 2 * 6, height, width) * 1.5
        self.mask = torch.rand(2, 2 * 6, height, width, generator=rng, dtype=torch.float64)
        self.bias = random(6)


def test_deform_conv_is_what_loops_give(ops: Any, rng: torch.Generator) -> None:
    case = DeformCase(rng)
    actual = ops.deform_conv2d(case.x, case.offset, case.weight, *case.layout)
    ones, zeros = torch.ones_like(case.mask), torch.zeros_like(case.bias)
    expected = deform_conv_in_loops(case.x, case.weight, case.offset, ones, zeros, deform_groups=2)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("with_bias", [True, False])
def test_modulated_deform_conv_is_what_loops_give(ops: Any, rng: torch.Generator, with_bias: bool) -> None:
    case = DeformCase(rng)
    bias = case.bias if with_bias else None
    actual = ops.modulated_deform_conv2d(case.x, case.offset, case.mask, case.weight, bias, *case.layout)
    stated = case.bias if with_bias else torch.zeros_like(case.bias)
    expected = deform_conv_in_loops(case.x, case.weight, case.offset, case.mask, stated, deform_groups=2)
    torch.testing.assert_close(actual, expected)


def assert_gradients(function: Callable[..., Tensor], *at: Tensor) -> None:
    leaves = tuple(tensor.detach().clone().requires_grad_() for tensor in at)
    # Deformable layers have kinks where a sample crosses a pixel; the seeds keep off them.
    assert torch.autograd.gradcheck(function, leaves, eps=1e-6, atol=1e-4)


@pytest.mark.slow
def test_gradients_of_deform_conv_are_finite_differences(ops: Any, rng: torch.Generator) -> None:
    case = DeformCase(rng)
    assert_gradients(
        lambda x, o, w: ops.deform_conv2d(x, o, w, *case.layout), case.x, case.offset, case.weight
    )


@pytest.mark.slow
@pytest.mark.parametrize("with_bias", [True, False])
def test_gradients_of_modulated_deform_conv_are_finite_differences(
    ops: Any, rng: torch.Generator, with_bias: bool
) -> None:
    case = DeformCase(rng)
    bias = [case.bias] if with_bias else []
    assert_gradients(
        lambda x, o, m, w, *b: ops.modulated_deform_conv2d(x, o, m, w, b[0] if b else None, *case.layout),
        case.x,
        case.offset,
        case.mask,
        case.weight,
        *bias,
    )


@pytest.mark.parametrize("pool", ["align", "pool"])
def test_gradients_of_roi_operators_are_finite_differences(ops: Any, rng: torch.Generator, pool: str) -> None:
    features = torch.randn(2, 2, 6, 5, generator=rng, dtype=torch.float64)
    rois = torch.tensor([[0, 1.3, 2.1, 7.7, 9.2], [1, -3, 1, 6, 14], [1, 9, 9, 4, 4]], dtype=torch.float64)
    if pool == "align":
        assert_gradients(lambda f: ops.roi_align(f, rois, (3, 2), 0.5, 2, "avg", True), features)
    else:
        assert_gradients(lambda f: ops.roi_pool(f, rois, (3, 2), 0.5), features)


def test_deformable_attention_sums_weighted_samples(ops: Any, rng: torch.Generator) -> None:
    sizes, heads, channels, queries, points = [(4, 3), (2, 5)], 2, 3, 5, 2
    value = torch.randn(1, sum(h * w for h, w in sizes), heads, channels, generator=rng)
    places = torch.rand(1, queries, heads, len(sizes), points, 2, generator=rng) * 1.2 - 0.1
    weights = torch.rand(1, queries, heads, len(sizes), points, generator=rng)
    starts = torch.tensor([0, 12])
    function = ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction
    actual = function.apply(value, torch.tensor(sizes), starts, places, weights, 64).view(
        queries, heads, channels
    )
    for query, head, channel in np.ndindex(queries, heads, channels):
        expected = 0.0
        for level, (height, width) in enumerate(sizes):
            start = int(starts[level])
            plane = value[0, start : start + height * width, head, channel].view(height, width)
            for point in range(points):
                x, y = places[0, query, head, level, point].tolist()
                read = sample(plane, y * height - 0.5, x * width - 0.5, clamp=False)
                expected += read * float(weights[0, query, head, level, point])
        assert float(actual[query, head, channel]) == pytest.approx(expected, abs=1e-5)


def test_any_other_operator_imports_and_names_itself_when_called(ops: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"operator 'carafe_forward'.* full mmcv 2\.1\.0"):
        ops.carafe(torch.ones(1, 4, 2, 2), torch.ones(1, 9, 4, 4), 3, 1, 2)


def test_the_standin_has_no_magic_attributes(ops: Any) -> None:
    # inspect and doctest ask modules for such; an operator in their place would be called.
    assert not hasattr(sys.modules["mmcv._ext"], "__wrapped__")
    assert ops.get_compiler_version() == "none (torchvision)"
