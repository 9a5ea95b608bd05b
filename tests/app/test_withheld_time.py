from __future__ import annotations

import time

import pytest

from tests.app.withheld_time import WithheldTime


def test_what_was_stolen_is_told_for_any_part_of_the_time() -> None:
    stolen = iter([5.0, 5.0, 5.4])
    withheld = WithheldTime(lambda: next(stolen))
    for at in (100, 101, 103):
        withheld.note(at)
    # Nothing is made up for what was not watched, such as before 100.
    told = withheld.between([100, 101, 102, 99], [101, 103, 103, 104])
    assert told.tolist() == pytest.approx([0, 0.4, 0.2, 0.4])


def test_no_more_is_withheld_than_there_was_time() -> None:
    begun = time.time()
    with WithheldTime() as withheld:
        time.sleep(0.3)
    ended = time.time()
    assert 0 <= withheld.between(begun, ended) <= ended - begun + 0.02  # counted in hundredths
