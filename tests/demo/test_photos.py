from __future__ import annotations

import pytest

from fo_pose_plugin.demo import photos
from fo_pose_plugin.errors import ImageReadError


def test_a_folder_is_searched_to_its_depth(tmp_path):
    (tmp_path / "b").mkdir()
    names = ["b/2.JPG", "a.png", "notes.txt", "c.webp"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    found = photos.photos_in(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.png", "b/2.JPG", "c.webp"]
    assert all(path.is_absolute() for path in found)


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(ImageReadError, match="is no folder"):
        photos.photos_in(tmp_path / "absent")
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(ImageReadError, match=r"no photo in .*\.jpg"):
        photos.photos_in(tmp_path)
