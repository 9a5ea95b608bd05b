"""From boxes to crops, and from crops back to the image: every coordinate transform of the package.

Spaces, all in xy order with the origin at the centre of the top-left pixel:
    image_px    the photo as it is shown (EXIF rotation applied)
    input_px    the network's input, ``input_size_wh`` pixels
    heatmap_px  the network's output, ``heatmap_size_wh`` pixels
    rel         image_px divided by the image's width and height, as FiftyOne stores points
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import BoxError, ShapeError

__all__ = ["Crop", "crop_affine", "crop_from_box", "input_to_image", "rel_to_px", "xywh_rel_to_xyxy_px"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

MIN_VISIBLE_PX = 1.0


@dataclass(frozen=True, slots=True)
class Crop:
    """The region of an image that is scaled to the network's input.

    Args:
        center_xy: Its centre, image_px.
        scale_wh: Its width and height, image_px, already of the input's aspect ratio.
    """

    center_xy: tuple[float, float]
    scale_wh: tuple[float, float]

    def __post_init__(self) -> None:
        values = (*self.center_xy, *self.scale_wh)
        if len(values) != 4 or not np.isfinite(values).all() or min(self.scale_wh) <= 0:
            raise BoxError(f"a crop needs a finite centre and a positive size, got {values}")

    def as_list(self) -> list[float]:
        """Give ``[centre_x, centre_y, width, height]``, image_px, as it is kept on a label."""
        return [*self.center_xy, *self.scale_wh]


@np.errstate(over="ignore", invalid="ignore")  # what overflows float32 is refused below
def crop_from_box(bbox_xyxy: npt.ArrayLike, input_size_wh: tuple[int, int], padding: float = 1.25) -> Crop:
    """Pad a box and widen it to the input's aspect ratio.

    Args:
        bbox_xyxy: (4,) image_px.
        input_size_wh: The network's input.
        padding: Factor on the box's size (MMPose's ``GetBBoxCenterScale``).

    Returns:
        The crop; it may reach beyond the image, where it will be black.

    Raises:
        BoxError: If the box is empty, inverted or not finite.

    Source: mmpose ``bbox_xyxy2cs`` and ``TopdownAffine._fix_aspect_ratio``; float32 as there, so that
    the same pixels are cut out.
    """
    box = np.asarray(bbox_xyxy, dtype=np.float32)
    if box.shape != (4,):
        raise ShapeError("bbox_xyxy", box.shape, "(4,)")
    if not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
        raise BoxError(
            f"box {[round(float(v), 2) for v in box]} (x1, y1, x2, y2 in px) is empty or not finite"
        )
    center = (box[:2] + box[2:]) * np.float32(0.5)
    w, h = (box[2:] - box[:2]) * np.float32(padding)
    aspect = np.float32(input_size_wh[0] / input_size_wh[1])
    if w > h * aspect:
        h = w / aspect
    else:
        w = h * aspect
    return Crop((float(center[0]), float(center[1])), (float(w), float(h)))


def crop_affine(crop: Crop, input_size_wh: tuple[int, int], *, udp: bool) -> Float64:
    """Give the affine that takes image_px to input_px.

    Convention: MSRA (``udp=False``) maps the crop's centre to half the input size and scales by
    ``input / crop``; UDP maps between pixel centres and scales by ``(input - 1) / crop``.

    Returns:
        (2, 3) float64; a scaling and a shift, without rotation or shear.

    Source: mmpose ``get_warp_matrix`` and ``get_udp_warp_matrix`` (Huang et al., CVPR 2020) with no
    rotation. Like there, the plain one scales both axes by the width's factor.
    """
    (cx, cy), (sw, sh) = crop.center_xy, crop.scale_wh
    w, h = input_size_wh
    if udp:
        fx, fy = (w - 1) / sw, (h - 1) / sh
        return np.array([[fx, 0, fx * (0.5 * sw - cx)], [0, fy, fy * (0.5 * sh - cy)]])
    f = w / sw
    return np.array([[f, 0, 0.5 * w - f * cx], [0, f, 0.5 * h - f * cy]])


def input_to_image(points_input: npt.ArrayLike, crops: list[Crop], input_size_wh: tuple[int, int]) -> Float32:
    """Map points from the network's input back to the image.

    Args:
        points_input: (N, K, 2) input_px; NaN stays NaN.
        crops: N crops, one per person.
        input_size_wh: The network's input.

    Returns:
        (N, K, 2) float32, image_px. The input is not modified.

    Raises:
        ShapeError: If the shapes do not fit.

    Source: mmpose ``TopdownPoseEstimator.add_pred_to_datasample``.
    """
    points: Float32 = np.asarray(points_input, dtype=np.float32)
    if points.ndim != 3 or points.shape[-1] != 2 or len(points) != len(crops):
        raise ShapeError("points_input", points.shape, f"({len(crops)}, K, 2)")
    if not crops:
        return np.array(points, dtype=np.float32)
    center = np.array([c.center_xy for c in crops], dtype=np.float32)[:, None]
    scale = np.array([c.scale_wh for c in crops], dtype=np.float32)[:, None]
    size = np.array(input_size_wh, dtype=np.float32)
    mapped: Float32 = (points / size * scale + center - np.float32(0.5) * scale).astype(np.float32)
    return mapped


def rel_to_px(points_rel: npt.ArrayLike, image_size_wh: tuple[int, int]) -> Float64:
    """Scale relative points ``(..., 2)`` to image_px; NaN stays NaN."""
    points = np.asarray(points_rel, dtype=np.float64)
    if points.shape[-1:] != (2,):
        raise ShapeError("points_rel", points.shape, "(..., 2)")
    scaled: Float64 = points * np.asarray(image_size_wh, dtype=np.float64)
    return scaled


def xywh_rel_to_xyxy_px(bbox_rel: npt.ArrayLike, image_size_wh: tuple[int, int]) -> Float64:
    """Turn FiftyOne's relative ``[x, y, width, height]`` into image_px corners.

    Returns:
        (4,) float64 ``x1, y1, x2, y2``. It is not clipped: a box may reach beyond the image.

    Raises:
        BoxError: If it is empty, inverted, not finite, or has no pixel in the image.
    """
    box = np.asarray(bbox_rel, dtype=np.float64)
    if box.shape != (4,):
        raise ShapeError("bbox_rel", box.shape, "(4,)")
    w, h = image_size_wh
    x1, y1, bw, bh = box * (w, h, w, h)
    shown = f"box {[round(float(v), 4) for v in box]} (x, y, width, height relative to the image)"
    if not np.isfinite(box).all():
        raise BoxError(f"{shown} is not finite")
    if bw <= 0 or bh <= 0:
        raise BoxError(f"{shown} is empty or inverted: width and height must be above 0")
    x2, y2 = x1 + bw, y1 + bh
    if min(x2, w) - max(x1, 0) < MIN_VISIBLE_PX or min(y2, h) - max(y1, 0) < MIN_VISIBLE_PX:
        raise BoxError(f"{shown} shows less than one pixel of the {w}x{h} image")
    return np.array([x1, y1, x2, y2])
