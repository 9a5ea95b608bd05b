"""Accepting, resetting and discarding many at once, the way back, and the saved views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import correction_history
from fo_pose_plugin.errors import FieldError, InputError, RunError
from fo_pose_plugin.tasks.review_progress import review_progress
from tests.tasks.test_correct_poses import people, posed
from tests.tiny_models import BODY

__all__ = ["posed"]


def raw(dataset: fo.Dataset) -> str:
    found = dataset._sample_collection.find({}, {"poses_corrected.keypoints": 1}).sort("_id")
    return str([(one.get("poses_corrected") or {}).get("keypoints") or [] for one in found])


def test_accepting_all_and_taking_it_back(posed: fo.Dataset) -> None:
    sample = posed.first()
    first = sample.poses.keypoints[0].id
    fop.correct_pose(sample, first, keypoints={"nose": (0.5, 0.5)})
    before = raw(posed)
    report = fop.accept_poses(posed, edited_by="me")
    assert (report.people, report.samples, report.left) == (2, 2, 0)
    assert sorted(row[2] for row in people(posed)) == ["accepted", "accepted", "corrected"]
    assert fop.accept_poses(posed).people == 0
    assert fop.count_corrections(posed).describe() == "3 people on 2 images (2 accepted, 1 corrected)"
    back = fop.restore_corrections(posed, history_key=report.history_key)
    assert (back.people, back.left) == (2, 0)
    assert raw(posed) == before
    # What was undone can be undone: without a key it is what was done last.
    assert fop.restore_corrections(posed).people == 2
    assert len(people(posed)) == 3


def test_of_a_view_only_those_that_it_shows_with_all_their_points(posed: fo.Dataset) -> None:
    chosen = posed.first().poses.keypoints[1]
    view = posed.select_labels(ids=[chosen.id], fields="poses").filter_keypoints(
        "poses", labels=["nose"], only_matches=False
    )
    assert fop.accept_poses(view).people == 1
    (label,) = posed.reload() or posed.first().poses_corrected.keypoints
    assert label.source_id == chosen.id
    assert str(label.points) == str(chosen.points)


def test_discarding_and_restoring_brings_everything_back(posed: fo.Dataset) -> None:
    sample = posed.first()
    fop.correct_pose(
        sample, sample.poses.keypoints[0].id, keypoints={"nose": (0.5, 0.5)}, visible={"left_eye": 0}
    )
    added = fop.correct_pose(sample, keypoints={"nose": (0.1, 0.1)})
    fop.accept_poses(posed)
    sample = posed.first()
    sample.poses_corrected.keypoints[0]["mine"] = "an attribute of someone else"
    sample.save()
    before = raw(posed)
    report = fop.discard_corrections(posed)
    assert (report.people, report.samples) == (4, 2)
    assert people(posed) == []
    assert fop.restore_corrections(posed, history_key=report.history_key).people == 4
    # And that in turn, at whatever revision they are.
    assert fop.restore_corrections(posed).people == 4
    assert people(posed) == []
    assert fop.restore_corrections(posed).people == 4
    assert sorted(raw(posed)) == sorted(before)
    assert "an attribute of someone else" in raw(posed)
    # Back to the predictions: who was added stays.
    assert fop.reset_poses(posed).people == 3
    (left,) = posed.reload() or posed.first().poses_corrected.keypoints
    assert (left.id, left.status) == (added, "added")


def test_only_named_people(posed: fo.Dataset) -> None:
    fop.accept_poses(posed)
    first, second = posed.first().poses_corrected.keypoints
    assert fop.reset_poses(posed, label_ids=[first.source_id]).people == 1
    assert fop.discard_corrections(posed, label_ids=[second.id]).people == 1
    assert len(people(posed)) == 1
    with pytest.raises(InputError, match="one text"):
        fop.discard_corrections(posed, label_ids="f" * 24)


def test_who_was_edited_since_is_left_alone(posed: fo.Dataset) -> None:
    report = fop.accept_poses(posed)
    sample = posed.first()
    fop.correct_pose(sample, sample.poses.keypoints[0].id, keypoints={"nose": (0.5, 0.5)})
    back = fop.restore_corrections(posed, history_key=report.history_key)
    assert (back.people, back.left) == (2, 1)
    assert [row[2] for row in people(posed)] == ["corrected"]


def test_the_history_is_listed_bounded_and_of_its_field(
    posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correction_history, "KEPT", 3)
    with pytest.raises(RunError, match="nothing was kept"):
        fop.restore_corrections(posed)
    for _ in range(3):
        fop.accept_poses(posed, edited_by="me")
        fop.discard_corrections(posed, edited_by="me")
    history = fop.corrections_history(posed)
    assert [entry["action"] for entry in history.values()] == [
        "discard_corrections",
        "accept_poses",
        "discard_corrections",
    ]
    newest = next(iter(history.values()))
    assert (newest["people"], newest["samples"], newest["edited_by"]) == (3, 2, "me")
    assert set(history) <= set(posed.list_runs())
    assert fop.corrections_history(posed, "other") == {}
    with pytest.raises(RunError, match="no 'x' is kept"):
        fop.restore_corrections(posed, history_key="x")


def test_nobody_corrected_yet_is_said(posed: fo.Dataset) -> None:
    with pytest.raises(FieldError, match="nobody has corrected anyone"):
        fop.discard_corrections(posed)
    assert fop.count_corrections(posed).describe() == "no corrections"


def test_the_rule_accepts_whom_its_preview_names(
    noise: Callable[..., fo.Dataset], tiny: Callable[..., None]
) -> None:
    tiny(BODY)
    posed = noise([3] * 8)  # a fold is a fifth by chance: of fewer images too few may be left
    fop.estimate_poses(posed, BODY, boxes="boxes", signals=True, progress=False)
    with pytest.raises(FieldError, match="no probabilities"):
        fop.accept_poses(posed, p=0.5)
    assert not posed.has_field("poses_corrected")
    posed.clone_sample_field("poses", "truth")
    posed.skeletons["truth"] = posed.skeletons["poses"]
    posed.save()
    for sample in posed.iter_samples(autosave=True):
        for keypoint in sample.truth.keypoints if sample.truth else ():
            keypoint.points = [[x + 0.5 * (k % 2), y] for k, (x, y) in enumerate(keypoint.points)]
    fop.fit_confidence(posed, "poses", "truth")
    preview = fop.auto_accept_preview(posed, "poses", 0.0, least_visible=1)
    assert preview.accepted
    report = fop.accept_poses(posed, p=0.0, least_visible=1)
    assert report.people == preview.accepted
    assert {row[0] for row in people(posed)} == set(preview.label_ids)
    assert fop.auto_accept_preview(posed, "poses", 0.0, least_visible=1).accepted == 0


def test_saved_views_ask_anew_and_take_nobodys_place(posed: fo.Dataset) -> None:
    mine = posed.limit(1)
    posed.save_view("Corrected Poses", mine, description="mine")
    first, second = (one.id for one in posed.first().poses.keypoints)
    fop.correct_pose(posed.first(), first)
    assert set(posed.list_saved_views()) >= {"poses to review", "accepted poses", "Corrected Poses"}
    assert "corrected poses" not in posed.list_saved_views()
    assert posed.get_saved_view_info("Corrected Poses")["description"] == "mine"

    def shown(name: str) -> list[str]:
        return posed.load_saved_view(name).values("id")

    ids = posed.values("id")
    assert shown("poses to review") == ids[:2]
    assert shown("accepted poses") == ids[:1]
    fop.correct_pose(posed.first(), second, status="rejected")
    assert shown("poses to review") == ids[1:2]
    fop.accept_poses(posed)
    assert shown("poses to review") == []
    assert shown("accepted poses") == ids[:2]
    posed.delete_saved_view("poses to review")
    fop.correct_pose(posed.first(), first, visible={"nose": 0})
    assert "poses to review" not in posed.list_saved_views()


def test_the_corrected_view_shows_what_was_changed(posed: fo.Dataset) -> None:
    fop.accept_poses(posed)
    assert len(posed.load_saved_view("corrected poses")) == 0
    fop.correct_pose(posed.first(), keypoints={"nose": (0.1, 0.1)})
    assert posed.load_saved_view("corrected poses").values("id") == [posed.first().id]


def test_progress_of_a_view(posed: fo.Dataset) -> None:
    fop.correct_pose(posed.first(), posed.first().poses.keypoints[0].id)
    whole = review_progress(posed)
    assert (whole.reviewed, whole.people, whole.samples_reviewed, whole.samples) == (1, 3, 0, 2)
    one = posed.select_labels(ids=[posed.first().poses.keypoints[0].id], fields="poses")
    assert (review_progress(one).reviewed, review_progress(one).people) == (1, 1)
    # A view that hides corrections does not hide that they were made.
    hidden = posed.filter_labels("poses_corrected", F("status") == "rejected", only_matches=False)
    assert review_progress(hidden).reviewed == 1
    with pytest.raises(FieldError):
        review_progress(posed, "nothing")


def test_what_was_corrected_is_exported(posed: fo.Dataset, tmp_path: Path) -> None:
    import json

    sample = posed.first()
    first, second = (one.id for one in sample.poses.keypoints)
    fop.correct_pose(sample, first, keypoints={"nose": (0.5, 0.25)}, visible={"left_eye": 0})
    fop.correct_pose(sample, second, status="rejected")
    fop.correct_pose(sample, keypoints={"nose": (0.125, 0.125)}, bounding_box=[0, 0, 0.5, 0.5])
    file = tmp_path / "corrected.json"
    report: Any = fop.export_poses(posed.limit(1), file, what="corrections", progress=False)
    written = json.loads(file.read_text())["annotations"]
    assert (report.people, report.left_out, len(written)) == (2, 1, 2)
    assert written[0]["keypoints"][:6] == [40, 15, 2, 0, 0, 0]
    assert written[1]["keypoints"][:3] == [10, 7.5, 2]
    assert written[1]["num_keypoints"] == 1
