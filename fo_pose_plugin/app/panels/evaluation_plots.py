"""The plots of an evaluation, as Plotly's data and layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.keypoint_accuracy import KeypointAccuracy, SizeClass
from fo_pose_plugin.core.wording import n_people

__all__ = ["Plot", "error_plot", "oks_plot", "precision_plot", "size_error_plot", "size_plot"]

Plot: TypeAlias = tuple[list[dict[str, Any]], dict[str, Any]]

COLOURS = ("#FF6D04", "#3E9CF0", "#7BC67E", "#C792EA")
GREY = "#999999"
# A whole-body skeleton has too many keypoints for bars that can be read: then its worst are shown.
MOST_BARS = 24
HEIGHT_PX = 380


def oks_plot(reports: Sequence[EvaluationReport]) -> Plot:
    """Bars: how near each keypoint is, 100 is exact."""
    names = _shown(reports)
    data = []
    for index, report in enumerate(reports):
        by_name = {one.name: one for one in report.keypoints}
        data.append(
            {
                "type": "bar",
                "name": _name(report),
                "x": names,
                "y": [_percent(by_name[name].oks) if name in by_name else None for name in names],
                "customdata": [by_name[name].labelled if name in by_name else 0 for name in names],
                "hovertemplate": "%{x}: OKS %{y:.1f} (%{customdata:,} labelled)<extra></extra>",
                "marker": {"color": COLOURS[index % len(COLOURS)]},
            }
        )
    title = f"OKS per keypoint{_which(reports, names)}: 100 is exact"
    return data, _layout(title, "", "OKS, percent", y_range=(0, 100), legend=len(reports) > 1)


def error_plot(reports: Sequence[EvaluationReport]) -> Plot:
    """Bars: how far each keypoint is off on average, in percent of the person's size."""
    names = _shown(reports)
    data = []
    for index, report in enumerate(reports):
        by_name = {one.name: one for one in report.keypoints}
        data.append(
            {
                "type": "bar",
                "name": _name(report),
                "x": names,
                "y": [_percent(by_name[name].mean_rel) if name in by_name else None for name in names],
                "customdata": [_px(by_name.get(name)) for name in names],
                "hovertemplate": "%{x}: %{y:.1f} % of the person's size, %{customdata}<extra></extra>",
                "marker": {"color": COLOURS[index % len(COLOURS)]},
            }
        )
    title = f"Mean error per keypoint{_which(reports, names)}: less is better"
    return data, _layout(title, "", "percent of the person's size", legend=len(reports) > 1)


def precision_plot(reports: Sequence[EvaluationReport]) -> Plot:
    """Curves: precision over recall at OKS .50 and .75."""
    data = []
    for index, report in enumerate(reports):
        for curve in report.curves:
            steps = len(curve.precision) - 1
            # Beyond the recall that is reached precision is 0; the first such point closes the curve.
            reached = [value > 0 for value in curve.precision].index(False) if 0 in curve.precision else steps
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": f"{_name(report)}, OKS {curve.oks:.2f}"
                    if len(reports) > 1
                    else f"OKS {curve.oks:.2f}",
                    "x": [100 * step / steps for step in range(reached + 1)],
                    "y": [100 * value for value in curve.precision[: reached + 1]],
                    "hovertemplate": "recall %{x:.0f}: precision %{y:.1f}<extra></extra>",
                    "line": {
                        "color": COLOURS[index % len(COLOURS)],
                        "dash": "solid" if curve.oks < 0.6 else "dot",
                        "width": 3,
                    },
                }
            )
    title = "Precision over recall: the upper right is best"
    layout = _layout(title, "recall: share of people found, percent", "precision, percent", y_range=(0, 102))
    layout["xaxis"]["range"] = [0, 102]
    return data, layout


def size_plot(reports: Sequence[EvaluationReport]) -> Plot:
    """Bars: mean OKS by the person's size, with how many people there are."""
    title = "OKS by the person's size (square root of the area); on the bars: people"
    data = _size_bars(reports, "oks", "OKS %{y:.1f}")
    return data, _layout(title, "", "OKS, percent", y_range=(0, 108), legend=len(reports) > 1)


def size_error_plot(reports: Sequence[EvaluationReport]) -> Plot:
    """Bars: how far keypoints are off on average, by the person's size."""
    title = "Mean error by the person's size: less is better; on the bars: people"
    data = _size_bars(reports, "mean_rel", "%{y:.1f} % of the person's size")
    return data, _layout(title, "", "percent of the person's size", legend=len(reports) > 1)


def _size_bars(reports: Sequence[EvaluationReport], value: str, shown: str) -> list[dict[str, Any]]:
    sizes = sorted(
        {(one.from_px, one.below_px or float("inf")) for report in reports for one in report.sizes}
    )
    names = [_size_name(low, high) for low, high in sizes]
    data = []
    for index, report in enumerate(reports):
        by_size = {one.from_px: one for one in report.sizes}
        found = [by_size.get(low) for low, _ in sizes]
        data.append(
            {
                "type": "bar",
                "name": _name(report),
                "x": names,
                "y": [_percent(getattr(one, value)) if one is not None else None for one in found],
                "customdata": [_people(one) for one in found],
                "text": [f"{one.people:,}" if one is not None else "" for one in found],
                "textposition": "outside",
                "cliponaxis": False,
                "hovertemplate": f"%{{x}}: {shown}, %{{customdata}}<extra></extra>",
                "marker": {"color": COLOURS[index % len(COLOURS)]},
            }
        )
    return data


def _shown(reports: Sequence[EvaluationReport]) -> list[str]:
    """Name the keypoints that are drawn: all where they can be read, else the first report's worst."""
    known = [one for one in reports[0].keypoints if one.oks is not None]
    if len(known) > MOST_BARS:
        worst = sorted(known, key=lambda one: one.oks or 0.0)[:MOST_BARS]
        known = [one for one in known if one in worst]
    return [one.name for one in known]


def _which(reports: Sequence[EvaluationReport], names: Sequence[str]) -> str:
    known = sum(one.oks is not None for one in reports[0].keypoints)
    return "" if len(names) == known else f" (the {len(names)} worst of {known})"


def _layout(
    title: str, x_title: str, y_title: str, *, y_range: tuple[float, float] | None = None, legend: bool = True
) -> dict[str, Any]:
    y_axis: dict[str, Any] = {
        "title": {"text": y_title},
        "gridcolor": "rgba(128,128,128,0.25)",
        "rangemode": "tozero",
    }
    if y_range is not None:
        y_axis["range"] = list(y_range)
    return {
        "title": {"text": title, "font": {"size": 15}, "x": 0.02, "xanchor": "left"},
        "xaxis": {
            "title": {"text": x_title},
            "automargin": True,
            "gridcolor": "rgba(128,128,128,0.15)",
        },
        "yaxis": {**y_axis, "automargin": True},
        "barmode": "group",
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "margin": {"l": 60, "r": 20, "t": 110 if legend else 60, "b": 60},
        "height": HEIGHT_PX,
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY},
    }


def _name(report: EvaluationReport) -> str:
    return report.eval_key or report.pred_field


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)


def _px(one: KeypointAccuracy | None) -> str:
    return "" if one is None or one.mean_px is None else f"{one.mean_px:.1f} px"


def _people(one: SizeClass | None) -> str:
    return "" if one is None else f"{n_people(one.people)}, {one.missed:,} without a prediction"


def _size_name(low: float, high: float) -> str:
    return f"{low:.0f} px and more" if high == float("inf") else f"{low:.0f} to {high:.0f} px"
