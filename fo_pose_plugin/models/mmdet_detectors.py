"""Detectors that find people, ready to be used by name: a short list of MMDetection's and MMPose's.

Addresses, checksums and box AP are those of MMDetection's metafiles; those of the two person detectors, which
only MMPose uses, those of its RTMPose project. `make check-models` builds and runs each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fo_pose_plugin.models.mmpose_models import Speed

__all__ = ["DetectorCard", "all_detectors"]

FAST_GFLOPS = 10.0
MEDIUM_GFLOPS = 60.0
_MMDET = "https://download.openmmlab.com/mmdetection"
_RTMPOSE = "https://download.openmmlab.com/mmpose/v1/projects/rtmpose"
# mmpose:: begins at the configs of its wheel; these are beside them.
_DEMO = "mmpose::../demo/mmdetection_cfg"


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """What is known of a detector.

    Args:
        name: What it is called by.
        config: ``mmdet::...`` or ``mmpose::...``.
        url: Where its weights are published.
        sha256_prefix: The first 8 digits of their sha256, as published.
        classes: How many classes it knows; "person" is one of them.
        box_ap: Published box AP on COCO val2017, 0 to 100: over all classes, or of people where that is all
            it knows.
        parameters_m: Millions of parameters, counted.
        gflops: Billions of multiply-adds for one photo of 640 x 480, counted.
        size_mb: How large its weights are, 10^6 bytes.
        note: What to know before choosing it.
    """

    name: str
    config: str
    url: str
    sha256_prefix: str
    classes: int
    box_ap: float
    parameters_m: float
    gflops: float
    size_mb: float
    note: str

    @property
    def file_name(self) -> str:
        """The name of its weights' file."""
        return self.url.rpartition("/")[2]

    @property
    def speed(self) -> Speed:
        """How fast it is, roughly."""
        if self.gflops <= FAST_GFLOPS:
            return "fast"
        return "medium" if self.gflops <= MEDIUM_GFLOPS else "slow"


_CARDS = (
    DetectorCard(
        name="rtmdet-m-person",
        config=f"{_DEMO}/rtmdet_m_640-8xb32_coco-person.py",
        url=f"{_RTMPOSE}/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth",
        sha256_prefix="235e8209",
        classes=1,
        box_ap=62.5,
        parameters_m=24.7,
        gflops=38.9,
        size_mb=98.8,
        note="people only, trained on COCO and Objects365; MMPose's own default",
    ),
    DetectorCard(
        name="rtmdet-nano-person",
        config=f"{_DEMO}/rtmdet_nano_320-8xb32_coco-person.py",
        url=f"{_RTMPOSE}/rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e.pth",
        sha256_prefix="05d8511e",
        classes=1,
        box_ap=40.3,
        parameters_m=0.994,
        gflops=0.308,
        size_mb=4.0,
        note="people only, trained on COCO and Objects365; at 320 px, the least work",
    ),
    DetectorCard(
        name="rtmdet-m-coco",
        config="mmdet::rtmdet/rtmdet_m_8xb32-300e_coco.py",
        url=f"{_MMDET}/v3.0/rtmdet/rtmdet_m_8xb32-300e_coco/"
        "rtmdet_m_8xb32-300e_coco_20220719_112220-229f527c.pth",
        sha256_prefix="229f527c",
        classes=80,
        box_ap=49.1,
        parameters_m=24.7,
        gflops=39.1,
        size_mb=99.0,
        note="COCO's 80 classes; at 640 px",
    ),
    DetectorCard(
        name="rtmdet-tiny-coco",
        config="mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py",
        url=f"{_MMDET}/v3.0/rtmdet/rtmdet_tiny_8xb32-300e_coco/"
        "rtmdet_tiny_8xb32-300e_coco_20220902_112414-78e30dcc.pth",
        sha256_prefix="78e30dcc",
        classes=80,
        box_ap=40.9,
        parameters_m=4.9,
        gflops=8.04,
        size_mb=19.7,
        note="COCO's 80 classes; at 640 px",
    ),
    DetectorCard(
        name="yolox-s-coco",
        config="mmdet::yolox/yolox_s_8xb8-300e_coco.py",
        url=f"{_MMDET}/v2.0/yolox/yolox_s_8x8_300e_coco/yolox_s_8x8_300e_coco_20211121_095711-4592a793.pth",
        sha256_prefix="4592a793",
        classes=80,
        box_ap=40.5,
        parameters_m=8.97,
        gflops=13.3,
        size_mb=36.0,
        note="COCO's 80 classes; at 640 px",
    ),
    DetectorCard(
        name="yolox-tiny-coco",
        config="mmdet::yolox/yolox_tiny_8xb8-300e_coco.py",
        url=f"{_MMDET}/v2.0/yolox/yolox_tiny_8x8_300e_coco/"
        "yolox_tiny_8x8_300e_coco_20211124_171234-b4047906.pth",
        sha256_prefix="b4047906",
        classes=80,
        box_ap=32.0,
        parameters_m=5.06,
        gflops=3.21,
        size_mb=20.3,
        note="COCO's 80 classes; at 416 px",
    ),
    DetectorCard(
        name="faster-rcnn-r50-coco",
        config="mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
        url=f"{_MMDET}/v2.0/faster_rcnn/faster_rcnn_r50_fpn_1x_coco/"
        "faster_rcnn_r50_fpn_1x_coco_20200130-047c8118.pth",
        sha256_prefix="047c8118",
        classes=80,
        box_ap=37.4,
        parameters_m=41.8,
        gflops=178.0,
        size_mb=167.2,
        note="COCO's 80 classes; two stages, at up to 1333 x 800 px",
    ),
    DetectorCard(
        name="detr-r50-coco",
        config="mmdet::detr/detr_r50_8xb2-150e_coco.py",
        url=f"{_MMDET}/v3.0/detr/detr_r50_8xb2-150e_coco/detr_r50_8xb2-150e_coco_20221023_153551-436d03e8.pth",
        sha256_prefix="436d03e8",
        classes=80,
        box_ap=39.9,
        parameters_m=41.6,
        gflops=81.2,
        size_mb=166.5,
        note="COCO's 80 classes; a transformer, which suppresses no overlapping boxes",
    ),
)


def all_detectors() -> Mapping[str, DetectorCard]:
    """Give all cards, by name: the ones to choose first come first."""
    return MappingProxyType({card.name: card for card in _CARDS})
