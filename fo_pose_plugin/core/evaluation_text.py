"""An evaluation in words and tables: what the terminal, the App's form and its panel show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.keypoint_accuracy import KeypointAccuracy
from fo_pose_plugin.core.wording import counted, n_images, n_people

__all__ = [
    "GLOSSARY",
    "Table",
    "accuracy_table",
    "comparison_table",
    "counts_sentence",
    "metrics_table",
    "percent",
    "report_text",
]

UNDEFINED = "-"
METRICS = (
    ("AP", "ap"),
    ("AP50", "ap50"),
    ("AP75", "ap75"),
    ("AP M", "ap_medium"),
    ("AP L", "ap_large"),
    ("AR", "ar"),
    ("AR50", "ar50"),
    ("AR75", "ar75"),
    ("AR M", "ar_medium"),
    ("AR L", "ar_large"),
)

GLOSSARY = (
    ("OKS", "how near a pose is to the truth, 100 is exact; an eye must be nearer than a hip"),
    ("AP", "average precision over ten OKS thresholds from .50 to .95: the number that papers state"),
    ("AR", "average recall: the share of people that are found, over the same thresholds"),
    ("M, L", "people of medium size (32 to 96 px, the square root of the area) and large people"),
    ("PCK .1", "share of the keypoints nearer to the truth than a tenth of the box's longer side"),
    ("PCKh", "the same by half the head's size"),
    ("AUC", "mean PCK over 20 thresholds of 0 to 28.5 px"),
    ("% of size", "mean error in percent of the person's size, the square root of the area"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as texts.

    Args:
        head: The columns' names.
        rows: As many texts each.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Align it for a terminal: the first column to the left, numbers to the right."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.head))]
        return "\n".join(
            "  ".join(
                text.ljust(width) if i == 0 else text.rjust(width)
                for i, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def as_markdown(self) -> str:
        """Write it for the App's forms."""
        lines = [self.head, ("---",) + ("--:",) * (len(self.head) - 1), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(value: float | None) -> str:
    """Show a share as papers do, 57.2 for .572."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def metrics_table(report: EvaluationReport, *, short: bool = False) -> Table:
    """COCO's ten metrics, or six where there is little room, one row per part of the body."""
    columns = METRICS[:6] if short else METRICS
    rows = [
        (name, *(percent(getattr(part, field)) for _, field in columns))
        for name, part in report.parts.items()
    ]
    return Table(("COCO", *(head for head, _ in columns)), tuple(rows))


def accuracy_table(report: EvaluationReport, measured: Sequence[KeypointAccuracy], title: str) -> Table:
    """Where keypoints are, one row per keypoint or group; columns that would be empty are left out."""
    with_head = any(one.pckh is not None for one in measured)
    some_lost = any(one.not_found for one in measured)
    head: tuple[str, ...] = (title, "labelled")
    head += (("not found",) if some_lost else ()) + ("OKS", "mean px", "median px", "% of size")
    head += tuple(_pck_name(thr) for thr in report.pck_thresholds)
    head += (("PCKh",) if with_head else ()) + ("AUC",)
    rows = []
    for one in measured:
        row: tuple[str, ...] = (one.name, f"{one.labelled:,}")
        row += ((f"{one.not_found:,}",) if some_lost else ()) + (percent(one.oks),)
        row += (_px(one.mean_px), _px(one.median_px), percent(one.mean_rel), *map(percent, one.pck))
        row += ((percent(one.pckh),) if with_head else ()) + (percent(one.auc),)
        rows.append(row)
    return Table(head, tuple(rows))


def counts_sentence(report: EvaluationReport) -> str:
    """Say in one sentence who was met and who was missed."""
    return (
        f"{report.tp:,} of {n_people(report.people)} met with an OKS of at least "
        f"{report.oks_threshold:.2f}, {report.fn:,} missed; {report.fp:,} of "
        f"{counted(report.predictions, 'prediction')} are of nobody"
    )


def comparison_table(reports: Sequence[EvaluationReport]) -> Table:
    """Several evaluations side by side, with each one's difference from the first."""
    names = [report.eval_key or report.pred_field for report in reports]
    first, others = names[0], names[1:]
    rows = [
        ("predictions", *[report.pred_field for report in reports], *[""] * len(others)),
        ("images", *[f"{report.samples:,}" for report in reports], *[""] * len(others)),
        ("people", *[f"{report.people:,}" for report in reports], *[""] * len(others)),
    ]
    for part in reports[0].parts:
        label = "" if part == "all" else f"{part} "
        for name, attribute in (("AP", "ap"), ("AP50", "ap50"), ("AP75", "ap75"), ("AR", "ar")):
            values = [getattr(report.parts.get(part), attribute, None) for report in reports]
            rows.append(_compared(f"{label}{name}", values))
    for index, thr in enumerate(reports[0].pck_thresholds):
        if all(report.pck_thresholds == reports[0].pck_thresholds for report in reports):
            rows.append(_compared(_pck_name(thr), [report.groups[0].pck[index] for report in reports]))
    rows.append(_compared("AUC", [report.groups[0].auc for report in reports]))
    by_name = [{one.name: one.oks for one in report.keypoints} for report in reports]
    rows += [_compared(f"OKS {name}", [values.get(name) for values in by_name]) for name in by_name[0]]
    head = ("", *names, *[f"{name} - {first}" for name in others])
    return Table(head, tuple(rows))


def report_text(report: EvaluationReport) -> str:
    """Write a whole report for a terminal."""
    parts = [
        f"'{report.pred_field}' against '{report.gt_field}' on "
        f"{n_images(report.samples)}: {counts_sentence(report)}",
        *(f"note: {note}" for note in report.notes),
        "",
        metrics_table(report).as_text(),
        "",
        accuracy_table(report, report.groups, "keypoints of").as_text(),
        "",
        accuracy_table(report, report.keypoints, "keypoint").as_text(),
        "",
        *(f"{name}: {meaning}" for name, meaning in GLOSSARY),
    ]
    return "\n".join(parts)


def _compared(label: str, values: Sequence[float | None]) -> tuple[str, ...]:
    first = values[0]
    apart = [
        UNDEFINED if first is None or value is None else f"{100 * (value - first):+.1f}"
        for value in values[1:]
    ]
    return (label, *map(percent, values), *apart)


def _px(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.1f}"


def _pck_name(thr: float) -> str:
    return f"PCK {thr:g}".replace("0.", ".")
