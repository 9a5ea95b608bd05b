"""The two small models that come with this package: trained on drawn people, for drawn people."""

from __future__ import annotations

from pathlib import Path

from fo_pose_plugin.demo.models_at_hand import Pair

__all__ = ["BODY", "NAMES", "NOTICE", "WHOLEBODY", "bundled_pairs"]

BODY, WHOLEBODY = "demo-body", "demo-wholebody"
NAMES = (BODY, WHOLEBODY)
NOTICE = (
    "was trained on drawn people alone: nothing is claimed about photos. For photos register another model, "
    "or name one of MMPose's with MODEL=name (--model)"
)
_FOLDER = Path(__file__).resolve().parent / "models"


def bundled_pairs() -> list[Pair]:
    """Give config and weights of each, under the name by which it is registered."""
    stems = {BODY: "demo_body", WHOLEBODY: "demo_wholebody"}
    return [
        Pair(_FOLDER / f"{stem}.py", _FOLDER / f"{stem}.pth", called=name) for name, stem in stems.items()
    ]
