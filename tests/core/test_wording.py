from __future__ import annotations

from fo_pose_plugin.core.wording import counted, n_images, n_people


def test_one_of_a_thing_is_said_otherwise_than_many() -> None:
    assert [n_people(n) for n in (0, 1, 2000)] == ["0 people", "1 person", "2,000 people"]
    assert [n_images(n) for n in (1, 2000)] == ["1 image", "2,000 images"]
    assert counted(2, "drawing") == "2 drawings"
