"""Writes docs/models.md from the catalogue; `make check-models` runs it, and a test holds the two equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fo_pose_plugin.models.mmdet_detectors import DetectorCard
from fo_pose_plugin.models.mmpose_models import ModelCard, Task

__all__ = ["page"]

TITLES: Mapping[Task, str] = {
    "body": "Body",
    "wholebody": "Whole body",
    "hand": "Hand",
    "face": "Face",
    "animal": "Animal",
    "other": "Clothes",
}
# What stands for a model without an AP, the first of these that is published.
OTHER_METRICS = ("Mean", "Total", "PCK@0.2", "PCK", "NME", "NME full", "NME test", "AUC")
COLUMNS = (
    "model",
    "input",
    "decoding",
    "metric",
    "parameters",
    "GFLOPs",
    "speed",
    "weights",
    "check",
    "remarks",
)

HEAD = """# Models

Made by `make check-models`, which builds each model with random weights from its config in MMPose
{mmpose}, and lets it predict a person of a picture: crop, network with flip test, decoding. {passed} of
{total} body and whole-body models pass, and {others_passed} of {others} others.

- The name is what `fop.estimate_poses(..., model=...)`, the form and `fo-pose` take. The weights are
  downloaded when a model is first used.
- **metric** is as MMPose publishes it, on the data set that heads the table: average precision (AP, 0 to
  1; for whole-body models that of all 133 keypoints) or, where there is none, what there is instead.
  Numbers compare within a data set only. None of them was measured here.
- **parameters** and **GFLOPs** (billions of multiply-adds for one person, without flip test) were counted
  here.
- **speed** goes by GFLOPs: fast up to 2.5, medium up to 12, slow above.
- **weights** is how large they are. "none" where MMPose publishes none: such a model runs with weights of
  your own, `fo-pose models add NAME CONFIG CHECKPOINT`.
- **decoding** is the codec: `msra`, `dark`, `udp`, `udp_combined` or `megvii`.
- Models that need mmpretrain run after `fo-pose install --extra vitpose`.
"""

DETECTORS = """## Detectors

Box AP is as published, on COCO val2017: over all classes, or of people only where that is all a detector
knows; the two do not compare. GFLOPs were counted on a photo of 640 x 480: fast is up to 10, medium up to
60. Each was built with random weights and run.

| detector | classes | box AP | parameters | GFLOPs | speed | weights | remarks |
| --- | ---: | ---: | ---: | ---: | --- | ---: | --- |
"""

LEFT_OUT = """## What is not listed

Of the entries in MMPose's metafiles:

"""


def page(
    cards: Mapping[str, ModelCard], detectors: Mapping[str, DetectorCard], catalogue: Mapping[str, Any]
) -> str:
    """Write the page.

    Args:
        cards: All models.
        detectors: All detectors.
        catalogue: The catalogue's file, for what it leaves out.
    """
    people = [card for card in cards.values() if card.task in {"body", "wholebody"}]
    others = [card for card in cards.values() if card.task not in {"body", "wholebody"}]
    parts = [
        HEAD.format(
            mmpose=catalogue["mmpose"],
            passed=sum(card.problem is None for card in people),
            total=len(people),
            others_passed=sum(card.problem is None for card in others),
            others=len(others),
        )
    ]
    parts += [DETECTORS + "".join(map(detector_row, detectors.values()))]
    for task, title in TITLES.items():
        of_task = [card for card in cards.values() if card.task == task]
        parts.append(f"## {title}\n")
        parts += data_set_tables(of_task)
    parts.append(LEFT_OUT + "".join(map(left_out_line, catalogue["left_out"])))
    return "\n".join(parts)


def data_set_tables(cards: Sequence[ModelCard]) -> Iterable[str]:
    """Write a table per data set, that with the most models first, the best model on top."""
    for dataset, _ in Counter(card.dataset for card in cards).most_common():
        chosen = sorted(
            (card for card in cards if card.dataset == dataset), key=lambda card: (-(card.ap or 0), card.name)
        )
        counts = sorted({len(card.network.skeleton) for card in chosen if card.network is not None})
        keypoints = f", {' or '.join(map(str, counts))} keypoints" if counts else ""
        heading = f"### {dataset}{keypoints}\n\n| {' | '.join(COLUMNS)} |\n"
        alignment = "| --- | --- | --- | --- | ---: | ---: | --- | ---: | --- | --- |\n"
        yield heading + alignment + "".join(map(row, chosen))


def row(card: ModelCard) -> str:
    """Write a model's line."""
    counted = card.parameters_m > 0
    size, codec = "", ""
    if card.network is not None:
        size = "x".join(map(str, card.network.input_size_wh))
        codec = f"`{card.network.codec.kind}`"
    remarks = [f"needs {card.needs}"] if card.needs else []
    remarks += [card.problem] if card.problem else []
    remarks += card.notes
    cells = (
        f"`{card.name}`",
        size,
        codec,
        metric(card),
        f"{card.parameters_m:g} M" if counted else "",
        f"{card.gflops:g}" if counted else "",
        card.speed if counted else "",
        weights_of(card),
        "fails" if card.problem else "passes",
        "; ".join(remarks),
    )
    return f"| {' | '.join(cells)} |\n"


def weights_of(card: ModelCard) -> str:
    """Say how large a model's weights are."""
    if card.url is None:
        return "none"
    return f"{card.size_mb:,.0f} MB" if card.size_mb else ""


def metric(card: ModelCard) -> str:
    """Say what is published of a model's quality."""
    if card.ap is not None:
        return f"{card.ap:.3f} AP"
    name = next((name for name in OTHER_METRICS if name in card.metrics), None)
    return "" if name is None else f"{card.metrics[name]:g} {name}"


def detector_row(card: DetectorCard) -> str:
    """Write a detector's line."""
    cells = (
        f"`{card.name}`",
        str(card.classes),
        f"{card.box_ap:.1f}",
        f"{card.parameters_m:g} M",
        f"{card.gflops:g}",
        card.speed,
        f"{card.size_mb:.0f} MB",
        card.note,
    )
    return f"| {' | '.join(cells)} |\n"


def left_out_line(item: Mapping[str, Any]) -> str:
    """Say what was left out and why."""
    models = "model" if item["count"] == 1 else "models"
    return f"- `{item['what']}`, {item['count']} {models}: {item['reason']}\n"
