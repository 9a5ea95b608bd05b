"""`fo-pose export` and `fo-pose import` in this process: the database is the tests' own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import pytest

from fo_pose_plugin import cli
from tests.coco_files import coco_file, entries_by_id, person, pictures

MakeDataset = Callable[..., fo.Dataset]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pictures(tmp_path / "photos", ["a.png", "b.png"])
    return coco_file(tmp_path / "in.json", ["a.png", "b.png"], [person(1, 1), person(2, 1)])


def test_a_file_makes_a_dataset_and_comes_out_again(
    make_dataset: MakeDataset, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = make_dataset("terminal").name
    fo.delete_dataset(name)
    try:
        assert cli.main(["import", name, str(source), "--images", str(tmp_path / "photos")]) == 0
        out = capsys.readouterr().out
        assert "2 people on 2 images, 2 of them added: field 'ground_truth', their boxes in" in out
        target = tmp_path / "out.json"
        words = ["export", name, str(target), "--pose-field", "ground_truth"]
        assert cli.main(words) == 0
        assert f"2 people on 2 images in {target} (1." in capsys.readouterr().out
        assert entries_by_id(target, "annotations") == entries_by_id(source, "annotations")
        assert cli.main(words) == 1
        assert f"fo-pose: {target} is there already" in capsys.readouterr().err
        assert cli.main([*words, "--overwrite", "--format", "coco_results"]) == 0
        assert len(json.loads(target.read_text())) == 2
    finally:
        fo.delete_dataset(name)


def test_what_is_left_out_is_listed_by_kind(
    make_dataset: MakeDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = make_dataset("terminal")
    dataset.add_samples([fo.Sample(filepath=p) for p in pictures(tmp_path, ["a.png"])], progress=False)
    names = ["a.png", *(f"gone{i}.png" for i in range(25))]
    people = [person(i, i, segmentation=[]) for i in range(1, 27)]
    source = coco_file(tmp_path / "in.json", names, people)
    assert cli.main(["import", dataset.name, str(source), "--pose-field", "gt", "--no-boxes"]) == 3
    out = capsys.readouterr().out
    assert "1 person on 1 image: field 'gt' (" in out
    assert "Images that the dataset does not have: left out (25)\n  gone0.png\n" in out
    assert out.count("\n  gone") == 20
    assert "  and 5 more\n" in out
    assert "not imported: segmentation of 1" in out


def test_mistakes_leave_no_dataset_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.json"
    source.write_text('{"images": [}')
    assert cli.main(["import", "no-such-dataset", str(source), "--images", str(tmp_path)]) == 2
    assert "is malformed JSON, at line 1, column 13" in capsys.readouterr().err
    assert not fo.dataset_exists("no-such-dataset")
    assert cli.main(["import", "no-such-dataset", str(source)]) == 2
    assert "there is no dataset 'no-such-dataset'" in capsys.readouterr().err


def test_the_formats_of_the_terminal_are_those_of_the_task() -> None:
    """They are named twice, so that the parser loads nothing."""
    from fo_pose_plugin.commands import exchange
    from fo_pose_plugin.tasks import export_poses

    assert exchange.FORMATS == export_poses.FORMATS
    assert exchange.WHAT == export_poses.WHAT
