"""Reasons in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fo_pose_plugin.core.reasons import NOTHING, person_reasons
from fo_pose_plugin.core.signals import HeatmapSignals, heatmap_signals
from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices

NAMES = ("nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle", "tail")
SKELETON = Skeleton("made_up", NAMES, (), mirrored_indices(NAMES))
LEFT, RIGHT = 1, 2


def evidence() -> HeatmapSignals:
    """One person whose keypoints are all sure and apart."""
    nothing = heatmap_signals(np.zeros((1, len(NAMES), 8, 8), np.float32))
    places = np.stack([np.arange(6) * 10, np.zeros(6)], axis=-1)[None].astype(np.float32)
    return replace(nothing, peak=np.full((1, 6), 0.9, np.float32), peak_xy=places)


def changed(signals: HeatmapSignals, name: str, keypoint: int, value: object) -> HeatmapSignals:
    values = getattr(signals, name).copy()
    values[0, keypoint] = value
    return replace(signals, **{name: values})


def say(signals: HeatmapSignals, doubts: dict[int, float], keypoints: list[int] | None = None) -> str:
    all_doubts = [[doubts.get(k, 0.05) for k in range(6)]]
    (text,) = person_reasons(
        signals, all_doubts, np.full((1, 6), 2.0), SKELETON, radius=4.0, keypoints=keypoints
    )
    return text


def test_where_nothing_is_doubtful_nothing_is_said() -> None:
    assert say(evidence(), {}) == NOTHING
    doubtful = changed(evidence(), "second_ratio", LEFT, 0.83)
    assert say(doubtful, {LEFT: 0.1}) == NOTHING


def test_two_peaks() -> None:
    signals = changed(evidence(), "second_ratio", LEFT, 0.834)
    signals = changed(signals, "second_xy", LEFT, (30, 40))
    assert say(signals, {LEFT: 0.7}) == "left wrist: two peaks, the other one 83 % as high"
    swapped = changed(signals, "second_xy", LEFT, (22, 3))
    assert say(swapped, {LEFT: 0.7}) == (
        "left wrist: two peaks, the other one 83 % as high, where the right wrist is"
    )


def test_two_keypoints_in_one_place_are_told_once() -> None:
    signals = changed(evidence(), "peak_xy", LEFT, (20, 1))
    assert say(signals, {LEFT: 0.6, RIGHT: 0.7}) == "left wrist and right wrist in the same place"
    assert say(changed(evidence(), "peak_xy", LEFT, (20, 2)), {LEFT: 0.6}) == "unsure: left wrist"


def test_the_crops_edge_and_what_is_only_low() -> None:
    signals = changed(evidence(), "at_border", 3, True)
    assert say(signals, {3: 0.5, 0: 0.4}) == "left ankle: at the edge of the crop; unsure: nose"


def test_what_is_hardly_seen_is_listed_last_and_briefly() -> None:
    signals = evidence()
    for keypoint in range(5):
        signals = changed(signals, "peak", keypoint, 0.1)
    doubts = {keypoint: 0.9 - keypoint / 100 for keypoint in range(5)}
    assert say(signals, doubts) == "hardly seen: nose, left wrist, right wrist and 2 more"
    assert say(signals, doubts, keypoints=[4]) == "hardly seen: right ankle"


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, "; 1 more like this"), (5, "; 2 more like this")])
def test_no_more_than_three_findings_are_told(count: int, more: str) -> None:
    signals = evidence()
    for keypoint in range(count):
        signals = changed(signals, "second_ratio", keypoint, 0.5)
        signals = changed(signals, "second_xy", keypoint, (0, 60))
    text = say(signals, dict.fromkeys(range(count), 0.9))
    assert text.count("two peaks") == 3
    assert text.endswith(f"50 % as high{more}")
