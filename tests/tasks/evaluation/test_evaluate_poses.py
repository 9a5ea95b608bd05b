"""`evaluate_poses` on real annotations: what is written, listed, renamed, cleaned up and refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.errors import EvaluationError, FieldError, InputError, KeypointNameError
from tests.coco_fields import fill_with_coco, read_coco
from tests.coco_results import disturbed_results

Make = Callable[..., fo.Dataset]
SUFFIXES = ("", "_id", "_oks", "_error_px", "_size_px")


@pytest.fixture(scope="module")
def content(shared_data: Path) -> dict[str, Any]:
    return read_coco(shared_data / "coco_mini" / "person_keypoints.json")


@pytest.fixture(scope="module")
def original(make_module_dataset: Make, content: dict[str, Any]) -> fo.Dataset:
    dataset = make_module_dataset("evaluated")
    results = {"poses": disturbed_results(content, 1), "other": disturbed_results(content, 2)}
    fill_with_coco(dataset, content, Path("/photos"), results)
    return dataset


@pytest.fixture
def dataset(original: fo.Dataset) -> Iterator[fo.Dataset]:
    clone = original.clone(persistent=True)
    yield clone
    clone.delete()


def evaluate(dataset: Any, *args: Any, **kwargs: Any) -> fop.EvaluationReport:
    return fop.evaluate_poses(dataset, *(args or ("poses", "ground_truth")), progress=False, **kwargs)


# ---- what is written


def test_verdicts_are_written_on_both_fields(dataset: fo.Dataset) -> None:
    report = evaluate(dataset)
    assert report.tp + report.fn == report.people == 86
    assert report.tp + report.fp == report.predictions
    for name in ("tp", "fp", "fn"):
        assert sum(dataset.values(f"eval_{name}")) == getattr(report, name) > 0
    counts = dataset.count_values("poses.keypoints.eval")
    truths = dataset.count_values("ground_truth.keypoints.eval")
    assert counts["tp"] == truths["tp"] == report.tp
    assert counts["fp"] == report.fp
    assert truths["fn"] == report.fn
    assert counts["ignored"] + truths["ignored"] == report.ignored
    assert truths["ignored"] == 147 - 86
    for sample in dataset:
        predictions = {person.id: person for person in sample.poses.keypoints}
        for person in sample.ground_truth.keypoints:
            if person.eval == "tp":
                partner = predictions[person.eval_id]
                assert partner.eval_id == person.id
                assert partner.eval_oks == person.eval_oks >= 0.5
                assert partner.eval_error_px == person.eval_error_px
            else:
                assert person.eval_id is None
                assert person.eval != "fn" or person.eval_oks is None or person.eval_oks >= 0.1


def test_errors_stand_beside_the_points_and_are_never_nan(dataset: fo.Dataset) -> None:
    evaluate(dataset)
    seen = undefined = 0
    for sample in dataset:
        size = np.array([sample.metadata.width, sample.metadata.height])
        predictions = {person.id: person for person in sample.poses.keypoints}
        for person in sample.ground_truth.keypoints:
            if person.eval != "tp":
                continue
            assert person.eval_size_px == pytest.approx(math.sqrt(person.area_px))
            partner = predictions[person.eval_id]
            away = np.linalg.norm((np.array(person.points) - np.array(partner.points)) * size, axis=1)
            for error, distance in zip(person.eval_error_px, away, strict=True):
                assert (error is None) == bool(np.isnan(distance))
                assert error is None or error == pytest.approx(distance)
                seen += 1
                undefined += error is None
    assert seen > undefined > 0
    for sample in dataset:  # FiftyOne can save what was written
        sample.tags.append("seen")
        sample.save()


def test_every_subfield_is_in_the_schema(dataset: fo.Dataset) -> None:
    evaluate(dataset)
    for field in ("poses", "ground_truth"):
        for suffix in SUFFIXES:
            assert dataset.get_field(f"{field}.keypoints.eval{suffix}") is not None
    # The panel and `match` find them, so that no label was written under a schema that hides it.
    assert dataset.count("poses.keypoints.eval") == dataset.count("poses.keypoints")


def test_a_report_without_a_key_writes_nothing(dataset: fo.Dataset) -> None:
    before = dataset.get_field_schema(flat=True).keys()
    report = evaluate(dataset, "poses", "ground_truth", None)
    assert dataset.get_field_schema(flat=True).keys() == before
    assert dataset.list_evaluations() == []
    assert report.as_dict() | {"seconds": 0, "eval_key": "eval"} == evaluate(dataset).as_dict() | {
        "seconds": 0
    }


def test_a_view_of_some_labels_is_evaluated_and_written_on_those_alone(dataset: fo.Dataset) -> None:
    from fiftyone import ViewField as F

    view = dataset.filter_labels("poses", F("score") > 0.6, only_matches=False).limit(10)
    shown = set(view.values("poses.keypoints.id", unwind=True))
    report = evaluate(view)
    assert report.samples == 10
    written = dataset.filter_labels("poses", F("eval") != None)  # noqa: E711
    assert set(written.values("poses.keypoints.id", unwind=True)) == shown
    assert 0 < len(shown) < dataset.count("poses.keypoints")


def test_loaded_samples_see_what_was_written(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    evaluate(dataset)
    assert sample.eval_tp is not None
    assert sample.poses.keypoints[0].eval in {"tp", "fp", "ignored"}


# ---- as FiftyOne's evaluations


def test_it_is_listed_loaded_renamed_and_deleted(dataset: fo.Dataset) -> None:
    before = set(dataset.get_field_schema(flat=True))
    report = evaluate(dataset)
    assert dataset.list_evaluations(method="fo-pose") == ["eval"]
    dataset.rename_evaluation("eval", "first")
    assert fop.load_evaluation(dataset, "first").ap == report.ap
    assert dataset.get_field("poses.keypoints.first_error_px") is not None
    assert dataset.get_field("poses.keypoints.eval_error_px") is None
    assert sum(dataset.values("first_tp")) == report.tp
    assert len(fop.missed_people(dataset, "first")) > 0
    dataset.delete_evaluation("first")
    assert set(dataset.get_field_schema(flat=True)) == before
    assert dataset.list_evaluations() == []
    assert dataset.count_values("poses.keypoints.label") == {"person": dataset.count("poses.keypoints")}


def test_it_comes_back_from_the_database(dataset: fo.Dataset) -> None:
    report = evaluate(dataset)
    dataset._evaluation_cache.clear()
    assert fop.load_evaluation(dataset) == report
    results = dataset.load_evaluation_results("eval")
    assert results.mAP() == report.ap
    assert results.metrics()["AP50"] == report.main.ap50
    assert results.metrics()["precision"] == pytest.approx(report.tp / report.predictions)
    assert results.metrics()["recall"] == pytest.approx(report.tp / report.people)
    assert dataset.load_evaluation_view("eval").count() == len(dataset)


def test_fiftyones_patches_have_one_per_person(dataset: fo.Dataset) -> None:
    report = evaluate(dataset)
    patches = dataset.to_evaluation_patches("eval")
    kinds = patches.count_values("type")
    assert (kinds["tp"], kinds["fp"], kinds["fn"]) == (report.tp, report.fp, report.fn)


def test_a_field_that_is_gone_does_not_keep_an_evaluation_from_going(dataset: fo.Dataset) -> None:
    evaluate(dataset)
    dataset.delete_sample_field("poses")
    with pytest.raises(EvaluationError, match="field 'poses' has no verdicts"):
        fop.false_positives(dataset)
    dataset.delete_evaluation("eval")
    assert not [name for name in dataset.get_field_schema(flat=True) if "eval" in name]


def test_a_key_that_is_taken_is_refused_unless_asked(dataset: fo.Dataset) -> None:
    first = evaluate(dataset)
    with pytest.raises(EvaluationError, match=r"evaluation 'eval' already.*overwrite=True"):
        evaluate(dataset, "other", "ground_truth")
    second = evaluate(dataset, "other", "ground_truth", overwrite=True)
    assert second.ap != first.ap
    assert fop.load_evaluation(dataset).pred_field == "other"
    assert dataset.get_field("poses.keypoints.eval") is None  # what the first wrote is gone


# ---- views


def test_views_show_what_they_say(dataset: fo.Dataset) -> None:
    report = evaluate(dataset)
    assert fop.false_positives(dataset).count("poses.keypoints") == report.fp
    assert fop.missed_people(dataset).count("ground_truth.keypoints") == report.fn
    worst = fop.worst_poses(dataset, below=0.6)
    oks = [min(values) for values in worst.values("poses.keypoints.eval_oks")]
    assert oks == sorted(oks)
    assert max(max(values) for values in worst.values("poses.keypoints.eval_oks")) < 0.6


@pytest.mark.parametrize("names", ["left_wrist", ["left_wrist", "nose"], "body", None], ids=str)
def test_a_view_of_stray_keypoints(dataset: fo.Dataset, names: Any) -> None:
    evaluate(dataset)
    labels = dataset.skeletons["poses"].labels
    wanted = (
        range(17)
        if names in ("body", None)
        else [labels.index(n) for n in ([names] if isinstance(names, str) else names)]
    )
    expected = set()
    for person in dataset.values("poses.keypoints", unwind=True):
        errors = [person.eval_error_px[i] for i in wanted] if person.eval_error_px else []
        if any(error is not None and error / person.eval_size_px > 0.1 for error in errors):
            expected.add(person.id)
    view = fop.keypoints_off(dataset, "eval", names, 0.1)
    assert set(view.values("poses.keypoints.id", unwind=True)) == expected
    assert expected
    in_px = fop.keypoints_off(dataset, "eval", names, more_than_px=1e5)
    assert len(in_px) == 0


def test_views_refuse_what_they_cannot_show(dataset: fo.Dataset) -> None:
    with pytest.raises(EvaluationError, match=r"no evaluation 'eval'.*none; evaluate_poses makes one"):
        fop.false_positives(dataset)
    evaluate(dataset)
    with pytest.raises(KeypointNameError, match="left_hand"):
        fop.keypoints_off(dataset, "eval", "left_hand")
    with pytest.raises(InputError, match="bound is -1"):
        fop.keypoints_off(dataset, "eval", "nose", -1)
    with pytest.raises(InputError, match="below is 2"):
        fop.worst_poses(dataset, below=2)


# ---- side by side


def test_two_fields_side_by_side(dataset: fo.Dataset) -> None:
    first = evaluate(dataset, "poses", "ground_truth", "first")
    second = evaluate(dataset, "other", "ground_truth", "second")
    comparison = fop.compare_evaluations(dataset, ["first", "second"])
    assert [report.ap for report in comparison.reports] == [first.ap, second.ap]
    table = str(comparison)
    assert f"{100 * (second.ap - first.ap):+.1f}" in table
    assert "OKS left_wrist" in table
    assert comparison.notes == ()
    with pytest.raises(EvaluationError, match="two evaluations are needed"):
        fop.compare_evaluations(dataset, ["first"])


# ---- bad input


def test_fields_of_another_skeleton_are_mapped_by_name(dataset: fo.Dataset) -> None:
    order = [0, 9, 10, 15, 16]  # nose, wrists, ankles in another order
    labels = dataset.skeletons["ground_truth"].labels
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.poses.keypoints:
            person.points = [person.points[i] for i in reversed(order)] + [[0.5, 0.5]]
            person.confidence = [person.confidence[i] for i in reversed(order)] + [1.0]
    names = [labels[i].replace("_", " ").title() for i in reversed(order)] + ["tail"]
    dataset.skeletons["poses"] = fo.KeypointSkeleton(labels=names, edges=[])
    dataset.save()
    report = evaluate(dataset)
    assert [one.name for one in report.keypoints] == [labels[i] for i in order]
    assert any("5 keypoints that both fields name" in note for note in report.notes)
    assert report.ap > 0.2
    person = next(p for s in dataset for p in s.ground_truth.keypoints if p.eval == "tp")
    assert len(person.eval_error_px) == 17
    assert not any(error for i, error in enumerate(person.eval_error_px) if i not in order)
    dataset.skeletons["poses"] = fo.KeypointSkeleton(labels=list("abcdef"), edges=[])
    with pytest.raises(FieldError, match="share no keypoint name"):
        evaluate(dataset, overwrite=True)


@pytest.mark.parametrize("fields", [("ground_truth",), ("poses",), ("poses", "ground_truth")], ids=str)
def test_names_may_be_spelt_otherwise(dataset: fo.Dataset, fields: tuple[str, ...]) -> None:
    expected = evaluate(dataset, "poses", "ground_truth", None)
    names = [name.replace("_", " ").title() for name in dataset.skeletons["poses"].labels]
    for field in fields:
        dataset.skeletons[field] = fo.KeypointSkeleton(labels=names, edges=[])
    report = evaluate(dataset, "poses", "ground_truth", None)
    assert (report.main, report.groups[0].pck) == (expected.main, expected.groups[0].pck)
    sigmas = {"Nose": 0.5, "left_eye": 0.5}
    assert evaluate(dataset, "poses", "ground_truth", None, oks_sigmas=sigmas).ap > expected.ap


def test_what_cannot_be_compared_is_refused(dataset: fo.Dataset) -> None:
    refused: list[tuple[type[Exception], str, tuple[Any, ...], dict[str, Any]]] = [
        (FieldError, "no field 'nothing'", ("nothing", "ground_truth"), {}),
        (FieldError, "no keypoints .* in field 'coco_id'", ("coco_id", "ground_truth"), {}),
        (FieldError, "cannot be compared with itself", ("poses", "poses"), {}),
        (EvaluationError, "'no name' is no name", ("poses", "ground_truth", "no name"), {}),
        (InputError, "oks_threshold is 0.4", ("poses", "ground_truth"), {"oks_threshold": 0.4}),
        (InputError, "oks_nms is 2", ("poses", "ground_truth"), {"oks_nms": 2}),
        (InputError, "pck_thresholds", ("poses", "ground_truth"), {"pck_thresholds": ()}),
        (InputError, "oks_sigmas has", ("poses", "ground_truth"), {"oks_sigmas": {"nose": -1}}),
    ]
    for kind, words, args, kwargs in refused:
        with pytest.raises(kind, match=words):
            evaluate(dataset, *args, **kwargs)
    assert dataset.list_evaluations() == []


def test_fields_without_overlap_and_empty_views_are_refused(dataset: fo.Dataset) -> None:
    with pytest.raises(EvaluationError, match="no sample of 0 has ground truth"):
        evaluate(dataset.limit(0))
    dataset.set_values("poses", [None] * len(dataset))
    with pytest.raises(EvaluationError, match="no sample has both: 28 have ground truth"):
        evaluate(dataset)
    dataset.set_values("ground_truth", [None] * len(dataset))
    with pytest.raises(EvaluationError, match="no sample of 28 has ground truth"):
        evaluate(dataset)
    assert dataset.list_evaluations() == []


def test_samples_that_only_one_field_has(dataset: fo.Dataset) -> None:
    ids = dataset.values("id")
    dataset.select(ids[:5]).set_values("ground_truth", [None] * 5)
    dataset.select(ids[5:8]).set_values("poses", [None] * 3)
    missed = dataset.select(ids[5:8])
    report = evaluate(dataset)
    assert report.samples == 23
    assert any("5 images without ground truth" in note for note in report.notes)
    assert any("3 images have no predictions" in note for note in report.notes)
    assert set(missed.values("ground_truth.keypoints.eval", unwind=True)) <= {"fn", "ignored"}


def test_people_without_area_or_boxes(dataset: fo.Dataset) -> None:
    whole = evaluate(dataset, "poses", "ground_truth", None)
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.ground_truth.keypoints:
            person["area_px"] = None
    boxed = evaluate(dataset, "poses", "ground_truth", None)
    assert any("people have no area_px: 0.53 x" in note for note in boxed.notes)
    assert boxed.ap != whole.ap
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.ground_truth.keypoints:
            person["bounding_box"] = None
    bare = evaluate(dataset, "poses", "ground_truth", None)
    assert any("neither area_px nor a box" in note for note in bare.notes)
    assert 0 < bare.ap < whole.ap


def test_points_that_were_not_found_count_as_wrong(dataset: fo.Dataset) -> None:
    whole = evaluate(dataset, "poses", "ground_truth", None)
    nan = float("nan")
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.poses.keypoints:
            person.points = [[nan, nan], *person.points[1:]]
    report = evaluate(dataset)
    nose, eye = report.keypoints[:2]
    assert nose.not_found == nose.labelled > 0
    assert (nose.oks, nose.mean_px, nose.pck[0]) == (0, None, 0)
    assert eye.pck == whole.keypoints[1].pck or eye.labelled != whole.keypoints[1].labelled
    assert report.ap < whole.ap
    json.dumps(report.as_dict(), allow_nan=False)


def test_points_of_the_truth_that_are_nan_are_not_labelled(dataset: fo.Dataset) -> None:
    """Also where ``visible`` says that they are."""
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.ground_truth.keypoints:
            person.points = [[math.nan, math.nan], *person.points[1:]]
    report = evaluate(dataset)
    assert report.keypoints[0].labelled == 0
    assert report.keypoints[1].labelled > 0
    json.dumps(report.as_dict(), allow_nan=False)


def test_people_who_span_no_area_are_ignored_and_said(dataset: fo.Dataset) -> None:
    before = evaluate(dataset, "poses", "ground_truth", None)
    sample = next(s for s in dataset if any(p.num_keypoints for p in s.ground_truth.keypoints))
    person = next(p for p in sample.ground_truth.keypoints if p.num_keypoints)
    person.points = [[0.5, 0.5]] * 17
    person["visible"], person["area_px"], person["bounding_box"] = [2] * 17, None, None
    sample.save()
    report = evaluate(dataset)
    assert report.people == before.people - 1
    assert any("1 people are ignored: no area, no box" in note for note in report.notes)
    dataset.reload()
    verdicts = dict(
        zip(
            *dataset.values(["ground_truth.keypoints.id", "ground_truth.keypoints.eval"], unwind=True),
            strict=True,
        )
    )
    assert verdicts[person.id] == "ignored"


def test_a_person_with_the_wrong_number_of_keypoints_is_named(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    sample.poses.keypoints[0].points = sample.poses.keypoints[0].points[:5]
    person_id = sample.poses.keypoints[0].id
    sample.save()
    with pytest.raises(FieldError, match=f"person {person_id} in field 'poses' has 5 keypoints, expected 17"):
        evaluate(dataset)


def test_rejected_people_are_left_out(dataset: fo.Dataset) -> None:
    before = evaluate(dataset, "poses", "ground_truth", None)
    sample = next(
        s for s in dataset if s.ground_truth.keypoints and s.ground_truth.keypoints[0].num_keypoints
    )
    sample.ground_truth.keypoints[0]["status"] = "rejected"
    sample.save()
    assert evaluate(dataset, "poses", "ground_truth", None).people == before.people - 1


def test_a_read_only_field_is_named(dataset: fo.Dataset) -> None:
    field = dataset.get_field("ground_truth")
    field.read_only = True
    field.save()
    with pytest.raises(FieldError, match=r"'ground_truth' is read-only.*eval_key=None"):
        evaluate(dataset)
    assert evaluate(dataset, "poses", "ground_truth", None).ap > 0


def test_sizes_are_read_where_they_are_not_known(
    shared_data: Path, make_dataset: Make, content: dict[str, Any]
) -> None:
    dataset = make_dataset("unsized")
    fill_with_coco(dataset, content, shared_data / "coco_mini", {"poses": disturbed_results(content, 1)})
    expected = evaluate(dataset, "poses", "ground_truth", None)
    dataset.clear_sample_field("metadata")
    assert evaluate(dataset, "poses", "ground_truth", None).ap == expected.ap
    lost = dataset.first()
    lost.filepath = "/nowhere/photo.jpg"
    lost.metadata = None
    lost.save()
    report = evaluate(dataset, "poses", "ground_truth", None)
    assert report.samples == len(dataset) - 1
    assert any("1 images were left out" in note for note in report.notes)
