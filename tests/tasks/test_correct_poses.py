"""Correcting from Python: what the dataset holds then, at whatever it was asked, by whomever at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.core.correction import PointChange
from fo_pose_plugin.dataset import corrections, fiftyone_internals
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.errors import CorrectionError, FieldError, InputError, KeypointNameError
from fo_pose_plugin.tasks.edit_poses import PoseEdit, save_edits
from tests.shared_data import REPOSITORY
from tests.tiny_models import BODY

K = 17


@pytest.fixture
def posed(noise: Callable[..., fo.Dataset], tiny: Callable[..., None]) -> fo.Dataset:
    tiny(BODY)
    dataset = noise([2, 1, 0])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    return dataset


def label(dataset: fo.Dataset, correction_id: str) -> fo.Keypoint:
    found = [one for sample in dataset for one in (sample.poses_corrected or fo.Keypoints()).keypoints]
    return next(one for one in found if one.id == correction_id)


def people(dataset: fo.Dataset) -> list[tuple[str, int, str]]:
    dataset.reload()
    if not dataset.has_field("poses_corrected"):
        return []
    paths = [f"poses_corrected.keypoints.{name}" for name in ("source_id", "revision", "status")]
    lists = zip(*dataset.values(paths), strict=True)
    return [row for rows in lists for row in zip(*(values or [] for values in rows), strict=True)]


def test_one_person_is_corrected_rejected_accepted_and_added(posed: fo.Dataset) -> None:
    sample = posed.first()
    before = str(posed.values("poses"))
    first, second = (one.id for one in sample.poses.keypoints)
    own = fop.correct_pose(
        sample, first, keypoints={"left_wrist": (0.25, 0.5)}, visible={"left_knee": 0}, edited_by="me"
    )
    corrected = label(posed, own)
    assert (corrected.status, corrected.revision, corrected.edited_by) == ("corrected", 1, "me")
    assert corrected.points[9] == [0.25, 0.5]
    assert (corrected.visible[9], corrected.visible[13]) == (2, 0)
    assert np.isnan(corrected.points[13]).all()
    # By the correction's own id, and by the prediction's.
    assert fop.correct_pose(sample, own, visible={"left_wrist": 1}) == own
    assert fop.correct_pose(sample, first, status="rejected") == own
    assert (label(posed, own).status, label(posed, own).revision) == ("rejected", 3)
    accepted = label(posed, fop.correct_pose(sample, second))
    assert accepted.status == "accepted"
    assert set(accepted.origin) == {"model"}
    added = label(
        posed, fop.correct_pose(sample, keypoints={"nose": (0.1, 0.2)}, bounding_box=[0, 0, 0.5, 0.5])
    )
    assert (added.status, added.source_id, added.visible.count(0)) == ("added", None, K - 1)
    assert added.bounding_box == [0, 0, 0.5, 0.5]
    # The sample in memory knows it too.
    assert len(sample.poses_corrected.keypoints) == 3
    assert str(posed.values("poses")) == before


def test_back_at_the_prediction_is_accepted(posed: fo.Dataset) -> None:
    sample = posed.first()
    source = sample.poses.keypoints[0]
    place = next(k for k in range(K) if not np.isnan(source.points[k]).any())
    name = posed.skeletons["poses"].labels[place]
    own = fop.correct_pose(sample, source.id, keypoints={name: (0.9, 0.9)})
    assert label(posed, own).status == "corrected"
    fop.correct_pose(sample, source.id, keypoints={name: source.points[place]})
    assert label(posed, own).status == "accepted"


@pytest.mark.parametrize("limbs", [None, "arms", "legs"])
def test_swapping_twice_is_the_prediction_again(posed: fo.Dataset, limbs: Any) -> None:
    sample = posed.first()
    source = sample.poses.keypoints[0]
    own = fop.swap_left_right(sample, source.id, limbs=limbs)
    once = label(posed, own)
    assert once.status == "corrected"
    swapped = {"arms": [9], "legs": [15], None: [9, 15]}[limbs]
    for k in range(K):
        mirror = k + (1 if k % 2 else -1)
        pair = (9, 10) if k in (9, 10) else (15, 16)
        if k in (9, 10, 15, 16) and pair[0] in swapped:
            assert str(once.points[k]) == str(source.points[mirror])
    assert once.origin[0] == "model"
    assert fop.swap_left_right(sample, own, limbs=limbs) == own
    twice = label(posed, own)
    assert (twice.status, str(twice.points)) == ("accepted", str(source.points))
    assert set(twice.origin) == {"model"}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"keypoints": {"tail": (0, 0)}}, KeypointNameError, "no keypoint 'tail'"),
        ({"keypoints": {"nose": (0, float("nan"))}}, CorrectionError, "nose"),
        ({"keypoints": {"nose": (0, 0, 0)}}, CorrectionError, "nose"),
        ({"keypoints": {"nose": (99, 0)}}, CorrectionError, "ten image sizes"),
        ({"keypoints": {"nose": (0.1, 0.1)}, "visible": {"nose": 5}}, CorrectionError, "visible is"),
        ({"bounding_box": [0, 0, 0, 0]}, CorrectionError, "box"),
        ({"bounding_box": [0, 0]}, CorrectionError, "bounding_box"),
        ({"status": "fine"}, InputError, "status is 'fine'"),
        ({"pose_field": "nothing"}, FieldError, "'nothing'"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    posed: fo.Dataset, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    sample = posed.first()
    with pytest.raises(error, match=words):
        fop.correct_pose(sample, sample.poses.keypoints[0].id, **changes)
    assert people(posed) == []


def test_who_is_not_there_is_said(posed: fo.Dataset) -> None:
    with pytest.raises(InputError, match="no person ffff"):
        fop.correct_pose(posed.first(), "f" * 24)
    with pytest.raises(InputError, match="needs keypoints"):
        fop.correct_pose(posed.first())
    with pytest.raises(InputError, match="in no dataset"):
        fop.correct_pose(fo.Sample("x.png"), "f" * 24)
    sample = posed.first()
    posed.delete_samples([sample.id])
    with pytest.raises(InputError):
        fop.correct_pose(sample, "f" * 24)


def test_a_run_and_a_deletion_leave_corrections_alone(posed: fo.Dataset) -> None:
    sample = posed.first()
    source_id = sample.poses.keypoints[0].id
    own = fop.correct_pose(sample, source_id, keypoints={"nose": (0.5, 0.5)})
    before = str(label(posed, own))
    fop.estimate_poses(posed, BODY, boxes="boxes", overwrite=True, progress=False)
    # The same box, the same person: the correction still belongs to the prediction.
    assert posed.first().poses.keypoints[0].id == source_id
    assert str(label(posed, own)) == before
    assert fop.count_corrections(posed).source_gone == 0
    fop.delete_poses(posed)
    assert str(label(posed, own)) == before


def test_a_correction_whose_prediction_is_gone_is_counted_and_stays(posed: fo.Dataset) -> None:
    sample = posed.first()
    own = fop.correct_pose(sample, sample.poses.keypoints[0].id)
    sample.poses.keypoints = sample.poses.keypoints[1:]
    sample.save()
    counts = fop.count_corrections(posed)
    assert (counts.people, counts.source_gone) == (1, 1)
    assert "the prediction is gone" in counts.describe()
    # It can still be edited, and it is no added person for that.
    assert fop.correct_pose(sample, own, visible={"nose": 0}) == own
    assert label(posed, own).status == "corrected"
    assert fop.reset_poses(posed).people == 0
    assert fop.discard_corrections(posed).people == 1


def test_read_only_and_foreign_fields_are_respected(posed: fo.Dataset) -> None:
    sample = posed.first()
    first, second = (one.id for one in sample.poses.keypoints)
    fop.correct_pose(sample, first)
    field = posed.get_field("poses_corrected")
    field.read_only = True
    field.save()
    for act in (
        lambda: fop.correct_pose(sample, second),
        lambda: fop.accept_poses(posed),
        lambda: fop.discard_corrections(posed),
    ):
        with pytest.raises(FieldError, match="'poses_corrected' is read-only"):
            act()
    assert len(people(posed)) == 1


def test_another_kind_of_field_or_skeleton_is_not_touched(posed: fo.Dataset) -> None:
    posed.add_sample_field("poses_corrected", fo.StringField)
    with pytest.raises(FieldError, match="holds no keypoints"):
        fop.accept_poses(posed)
    posed.delete_sample_field("poses_corrected")
    posed.skeletons["poses_corrected"] = fo.KeypointSkeleton(labels=["a", "b"], edges=[[0, 1]])
    posed.add_sample_field("poses_corrected", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    with pytest.raises(FieldError, match="another skeleton"):
        fop.accept_poses(posed)
    del posed.skeletons["poses"]
    posed.save()
    with pytest.raises(FieldError, match="has no skeleton"):
        fop.accept_poses(posed)


def test_two_editors_of_one_person_one_wins_and_of_two_nobody_loses(posed: fo.Dataset) -> None:
    sample_id = posed.first().id
    first, second = (one.id for one in posed.first().poses.keypoints)
    fop.correct_pose(posed.first(), second)
    (correction,) = posed.first().poses_corrected.keypoints
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def edit(n: int) -> None:
        barrier.wait()
        change = {n: PointChange((0.01 * n, 0.5), 2)}
        mine = PoseEdit(first, first, None, 0, "corrected", change)
        outcomes.append(save_edits(posed, sample_id, "poses", [mine], f"editor {n}")[0].outcome)

    threads = [threading.Thread(target=edit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["saved"]
    assert [row[0] for row in people(posed)].count(first) == 1

    def add_one(label_id: str, own: str, revision: int) -> None:
        barrier.wait()
        for n in range(5):
            mine = PoseEdit(
                label_id, label_id, own, revision + n, "corrected", {n: PointChange((0.3, 0.3), 1)}
            )
            outcomes.append(save_edits(posed, sample_id, "poses", [mine], "x")[0].outcome)

    outcomes.clear()
    barrier = threading.Barrier(2)
    (other,) = [
        one for one in posed.reload() or posed.first().poses_corrected.keypoints if one.source_id == first
    ]
    threads = [
        threading.Thread(target=add_one, args=(first, other.id, 1)),
        threading.Thread(target=add_one, args=(second, correction.id, 1)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["saved"] * 10
    assert sorted(row[1] for row in people(posed)) == [6, 6]


WRITER = """
import sys
import fiftyone as fo
from fo_pose_plugin.core.correction import PointChange
from fo_pose_plugin.tasks.edit_poses import PoseEdit, save_edits
name, sample_id, who, *labels = sys.argv[1:]
dataset = fo.load_dataset(name)
for label in labels:
    edit = PoseEdit(label, label, None, 0, "corrected", {0: PointChange((0.5, 0.5), 2)})
    print(save_edits(dataset, sample_id, "poses", [edit], who)[0].outcome)
"""


def test_two_processes_that_begin_at_once_do_not_clash(posed: fo.Dataset) -> None:
    """Both declare the field, both save; of the person both edit one version stays."""
    sample = posed.first()
    ids = [one.id for one in sample.poses.keypoints]
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WRITER, posed.name, sample.id, who, *labels],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for who, labels in (("one", ids), ("two", ids[::-1]))
    ]
    printed = [process.communicate(timeout=200)[0].splitlines() for process in running]
    said = [[line for line in lines if " " not in line] for lines in printed]  # FiftyOne prints too
    assert [process.returncode for process in running] == [0, 0]
    # Each person was saved by one of the two, and whoever came second was told.
    assert sorted(word for words in said for word in words) == ["conflict", "conflict", "saved", "saved"]
    assert sorted(people(posed)) == sorted((source_id, 1, "corrected") for source_id in ids)
    schema = posed.get_field_schema(flat=True)
    assert "poses_corrected.keypoints.edited_by" in schema


def test_an_edit_between_reading_and_writing_is_a_conflict(
    posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is based on what was true a moment before: the revision is checked by the database."""
    sample = posed.first()
    source_id = sample.poses.keypoints[0].id
    own = fop.correct_pose(sample, source_id, keypoints={"nose": (0.5, 0.5)}, edited_by="first")
    real = corrections.update_samples

    def raced(dataset: fo.Dataset, updates: Any) -> list[bool]:
        monkeypatch.setattr(corrections, "update_samples", real)
        fop.correct_pose(sample, source_id, keypoints={"nose": (0.7, 0.7)}, edited_by="quicker")
        return real(dataset, updates)

    monkeypatch.setattr(corrections, "update_samples", raced)
    with pytest.raises(CorrectionError, match="quicker has saved another version"):
        fop.correct_pose(sample, source_id, keypoints={"nose": (0.6, 0.6)})
    assert label(posed, own).points[0] == [0.7, 0.7]


def test_a_broken_connection_after_the_work_is_done_is_no_conflict(
    posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymongo.errors import AutoReconnect

    real, broken = fiftyone_internals.update_samples, []

    def breaks_once(dataset: fo.Dataset, updates: Any) -> list[bool]:
        done = real(dataset, updates)
        if not broken:
            broken.append(True)
            raise AutoReconnect("gone")
        return done

    monkeypatch.setattr(corrections, "update_samples", breaks_once)
    sample = posed.first()
    own = fop.correct_pose(sample, sample.poses.keypoints[0].id, keypoints={"nose": (0.5, 0.5)})
    assert broken
    assert label(posed, own).revision == 1


def test_a_database_that_refuses_is_said(posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymongo.errors import OperationFailure

    def refuse(dataset: fo.Dataset, updates: Any) -> list[bool]:
        raise OperationFailure("not authorized", 13)

    sample = posed.first()
    monkeypatch.setattr(corrections, "update_samples", refuse)
    with pytest.raises(CorrectionError, match="the database refuses"):
        fop.correct_pose(sample, sample.poses.keypoints[0].id)


def test_ground_truth_has_its_own_corrections(posed: fo.Dataset) -> None:
    posed.clone_sample_field("poses", "truth")
    posed.skeletons["truth"] = posed.skeletons["poses"]
    posed.save()
    for path in ("digest", "heatmap_index"):
        posed.delete_sample_field(f"truth.keypoints.{path}")
    sample = posed.first()
    own = fop.correct_pose(sample, sample.truth.keypoints[0].id, "truth", keypoints={"nose": (0.1, 0.1)})
    (found,) = posed.reload() or posed.first().truth_corrected.keypoints
    assert (found.id, found.status, set(found.origin)) == (own, "corrected", {"human"})
    assert "poses to review (truth)" in posed.list_saved_views()
    assert PoseFields("truth").corrected == "truth_corrected"
