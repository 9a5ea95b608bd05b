"""The real models of the shared data under the names that tests use."""

from __future__ import annotations

from pathlib import Path

BODY = "real-tinypose"
SMALL_BODY = "real-tinypose-small"
WHOLEBODY = "real-tinypose-wholebody"
DETECTOR = "real-yolox-nano"


def register_real_models(shared_data: Path) -> None:
    """Register the body models, the whole-body fixture and the detector in the current registry."""
    import fo_pose_plugin as fop

    models = shared_data / "models"
    fop.add_model(
        BODY,
        models / "td-hm_tinypose_coco-256x192.py",
        models / "tinypose_coco_256x192.pth",
        overwrite=True,
    )
    fop.add_model(
        SMALL_BODY,
        models / "td-hm_tinypose_coco-128x96.py",
        models / "tinypose_coco_128x96.pth",
        overwrite=True,
    )
    fop.add_model(
        WHOLEBODY,
        models / "td-hm_tinypose_coco-wholebody-256x192.py",
        models / "tinypose_wholebody_FIXTURE_256x192.pth",
        overwrite=True,
    )
    fop.add_detector(DETECTOR, models / "yolox_nano_coco.py", models / "yolox_nano_coco.pth", overwrite=True)
