"""Batches that are doubtful and varied."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.diversity import diverse_order, pose_distances
from fo_pose_plugin.errors import ShapeError

K = 3


def crowd(seed: int, people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random(people), rng.random((people, K, 2)), rng.random((people, K))


def test_ten_times_the_same_skier_comes_once() -> None:
    skier, climber, diver = (np.full((K, 2), place) for place in (0.1, 0.5, 0.9))
    poses = np.stack([skier] * 10 + [climber, diver])
    profiles = np.array([[1.0, 0, 0]] * 10 + [[0, 1.0, 0], [0, 0, 1.0]])
    doubts = np.array([0.9 - i / 1000 for i in range(10)] + [0.5, 0.4])
    assert diverse_order(doubts, poses, profiles, 4).tolist() == [0, 10, 11, 1]


def test_what_is_certain_is_not_chosen_for_being_strange() -> None:
    poses = np.array([[[0.1, 0.1]], [[0.15, 0.1]], [[0.9, 0.9]]])
    order = diverse_order([0.9, 0.8, 0.01], poses, [[0.9], [0.8], [0.01]], 2)
    assert order.tolist() == [0, 1]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(1, 15))
def test_each_is_chosen_once_and_the_worst_first(seed: int, people: int, count: int) -> None:
    doubts, poses, profiles = crowd(seed, people)
    order = diverse_order(doubts, poses, profiles, count)
    assert len(set(order.tolist())) == len(order) == min(people, count)
    if people:
        assert order[0] == doubts.argmax()


def test_distances_are_between_0_and_1_and_0_to_oneself() -> None:
    _, poses, profiles = crowd(1, 6)
    poses[2], poses[3, 1] = np.nan, np.nan
    distances = pose_distances(poses, profiles, 0)
    assert distances[0] == pytest.approx(0)
    assert ((distances >= 0) & (distances <= 1)).all()
    assert distances[2] >= 0.5, "who shares no point is unlike"


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ShapeError, match="poses"):
        diverse_order([0.5], np.zeros((2, K, 2)), np.zeros((2, K)), 1)
    with pytest.raises(ShapeError, match="poses"):
        diverse_order([0.5], np.zeros((1, K, 2)), np.zeros((1, K + 1)), 1)
