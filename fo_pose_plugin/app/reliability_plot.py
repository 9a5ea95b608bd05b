"""How well probabilities hold, as Plotly's data and layout."""

from __future__ import annotations

from typing import Any, TypeAlias

from fo_pose_plugin.core.calibration import Reliability

__all__ = ["reliability_plot"]

Plot: TypeAlias = tuple[list[dict[str, Any]], dict[str, Any]]

ORANGE, BLUE, GREY = "#FF6D04", "#3E9CF0", "#999999"
HEIGHT_PX = 380


def reliability_plot(before: Reliability, after: Reliability, score: str) -> Plot:
    """Curves: the share of keypoints that are right, over the probability that was given them.

    Args:
        before: The score itself, taken for a probability.
        after: The fitted probabilities, on images that they were not fitted to.
        score: The score's name.
    """
    exact = {
        "type": "scatter",
        "mode": "lines",
        "name": "exact",
        "x": [0, 100],
        "y": [0, 100],
        "line": {"color": GREY, "dash": "dot", "width": 2},
        "hoverinfo": "skip",
    }
    named = {"doubt": "1 - doubt", "confidence": "confidence"}.get(score, score)
    data = [
        exact,
        _curve(before, f"{named}, as it is", BLUE, "circle-open"),
        _curve(after, "fitted", ORANGE, "circle"),
    ]
    axis = {"range": [-2, 102], "gridcolor": "#444", "zeroline": False}
    layout = {
        "height": HEIGHT_PX,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY},
        "margin": {"l": 60, "r": 20, "t": 20, "b": 50},
        "xaxis": {**axis, "title": {"text": "probability that a keypoint is right, percent"}},
        "yaxis": {**axis, "title": {"text": "share that is right, percent"}},
        "legend": {"x": 0.02, "y": 0.98},
        "showlegend": True,
    }
    return data, layout


def _curve(found: Reliability, name: str, colour: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{name}: off by {100 * found.ece:.1f} on average",
        "x": [100 * value for value in found.mean],
        "y": [100 * value for value in found.right],
        "customdata": list(found.counts),
        "hovertemplate": "%{x:.0f} % expected, %{y:.0f} % right (%{customdata:,} keypoints)<extra></extra>",
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "line": {"color": colour, "width": 2},
    }
