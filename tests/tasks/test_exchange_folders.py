"""What the App may export to and import from: files in two folders, by plain names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fo_pose_plugin.errors import ExportError, FormatError, InputError
from fo_pose_plugin.formats.json_stream import open_json
from fo_pose_plugin.tasks.exchange_folders import (
    export_path,
    exports_folder,
    import_path,
    imports_folder,
    list_imports,
    make_exports_folder,
    plain_name,
    shown_size,
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FO_POSE_EXPORTS", str(tmp_path / "out"))
    monkeypatch.setenv("FO_POSE_IMPORTS", str(tmp_path / "in"))
    (tmp_path / "in").mkdir()
    return tmp_path


NO_NAMES = (
    "",
    "..",
    "../a",
    "a/b",
    "/etc/passwd",
    ".hidden",
    "-rf",
    "a b",
    "a\0b",
    "ä",
    "a\n",
    "x" * 101,
    "a\\b",
)


@pytest.mark.parametrize("name", NO_NAMES, ids=repr)
def test_an_export_is_a_plain_name_in_its_folder(name: str) -> None:
    with pytest.raises(InputError, match="is no plain file name"):
        export_path(name)
    with pytest.raises(InputError, match="is no plain file name"):
        export_path(f"{name}.json")


def test_the_suffix_is_the_folders_own(folders: Path) -> None:
    assert export_path("poses_1.2") == folders / "out" / "poses_1.2.json"
    assert export_path("poses.json") == folders / "out" / "poses.json"
    assert export_path("poses.sh").name == "poses.sh.json"
    assert not exports_folder().exists()
    make_exports_folder()
    assert exports_folder().is_dir()


def test_a_folder_that_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FO_POSE_EXPORTS", "/proc/none")
    with pytest.raises(ExportError, match=r"cannot be made: .* Name another in FO_POSE_EXPORTS"):
        make_exports_folder()


def test_imports_are_the_folders_own_files(folders: Path) -> None:
    inside = folders / "in"
    (inside / "b.json").write_text("{}")
    (inside / "A.JSON").write_text("{ }")
    (inside / "notes.txt").write_text("secret")
    (inside / "folder.json").mkdir()
    (inside / "link.json").symlink_to("/etc/passwd")
    (inside / "line\nbreak.json").write_text("{}")
    os.mkfifo(inside / "pipe.json")
    assert list_imports() == {"A.JSON": 3, "b.json": 2}
    assert import_path("b.json") == inside / "b.json"
    for name in ("notes.txt", "link.json", "pipe.json", "../in/b.json", str(inside / "b.json"), "c.json"):
        with pytest.raises(InputError, match=r"is none of the JSON files in .*: A.JSON, b.json"):
            import_path(name)


def test_a_file_that_became_a_link_is_not_read(folders: Path) -> None:
    file = folders / "in" / "b.json"
    file.write_text("{}")
    path = import_path("b.json")
    file.unlink()
    file.symlink_to("/etc/passwd")
    with pytest.raises(FormatError, match="cannot be read"), open_json(path, follow_symlinks=False):
        pass


def test_without_a_folder_there_is_nothing_to_import(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.setenv("FO_POSE_IMPORTS", str(folders / "none"))
    assert list_imports() == {}
    with pytest.raises(InputError, match="there are none"):
        import_path("a.json")


def test_the_folders_lie_in_the_home_by_default(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.delenv("FO_POSE_EXPORTS")
    monkeypatch.delenv("FO_POSE_IMPORTS")
    monkeypatch.setenv("FO_POSE_HOME", str(folders))
    assert (exports_folder(), imports_folder()) == (folders / "exports", folders / "imports")


def test_a_name_is_made_of_any_text() -> None:
    assert plain_name("my data/2026 (new)_poses") == "my_data_2026_new__poses.json"
    assert plain_name("..") == "poses.json"
    assert len(plain_name("x" * 500)) < 100
    assert [shown_size(999), shown_size(2_500_000)] == ["1.0 kB", "2.5 MB"]
