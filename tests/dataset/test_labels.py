from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.boxes import PersonBox
from fo_pose_plugin.dataset.fiftyone_internals import add_media_field, drop_media_fields
from fo_pose_plugin.dataset.labels import (
    PoseFields,
    declare_fields,
    make_boxes,
    make_poses,
    points_digest,
    read_skeleton,
    set_skeleton,
)
from fo_pose_plugin.errors import FieldError
from fo_pose_plugin.models.person_detector import DetectedPeople

MakeDataset = Callable[..., fo.Dataset]
NAN = float("nan")
FIELDS = PoseFields("poses")
RUN = "pose_run_1"
SIZE_WH = (200, 100)
LIMB = Skeleton("limb", ("shoulder", "elbow", "wrist"), ((0, 1), (1, 2)), (0, 1, 2))
EYES = Skeleton("eyes", ("left_eye", "right_eye"), ((0, 1),), (1, 0))


def image_poses(scores: list[list[float]], points_px: list[list[list[float]]] | None = None) -> ImagePoses:
    keypoint_scores = np.array(scores, np.float32).reshape(-1, len(LIMB))
    n = len(keypoint_scores)
    points = np.full((n, len(LIMB), 2), 50.0) if points_px is None else np.array(points_px)
    crops = tuple(Crop((100.0 + i, 50.0), (75.0, 100.0)) for i in range(n))
    return ImagePoses(points.astype(np.float32), keypoint_scores, crops)


def person_box(**values: Any) -> PersonBox:
    return PersonBox((0.25, 0.1, 0.5, 0.6), **values)


def two_people(**options: Any) -> fo.Keypoints:
    poses = image_poses(
        [[0.9, 0.3, -0.1], [0.1, 0.19, 0.15]],
        [[[20, 10], [-4, 103], [NAN, NAN]], [[1, 1], [2, 2], [3, 3]]],
    )
    boxes = [
        person_box(score=0.5, box_id="6b033946df36356b4f86b580", instance_id="6b033946df36356b4f86b581"),
        person_box(),
    ]
    return make_poses(poses, boxes, SIZE_WH, RUN, **options)


def write(make_dataset: MakeDataset, *labels: fo.Keypoints | None, detector: bool = True) -> fo.Dataset:
    dataset = make_dataset()
    samples = [fo.Sample(filepath=f"/no/such/{index}.jpg") for index in range(len(labels))]
    dataset.add_samples(samples, progress=False)
    declare_fields(dataset, FIELDS, detector=detector, heatmaps=True)
    set_skeleton(dataset, FIELDS.poses, LIMB)
    values = {sample.id: label for sample, label in zip(samples, labels, strict=True) if label is not None}
    dataset.set_values("poses", values, key_field="id", validate=False, expand_schema=False)
    dataset.reload()
    return dataset


def test_companions_derive_their_names() -> None:
    fields = PoseFields("vit_L")
    assert (fields.boxes, fields.heatmap, fields.corrected, fields.error) == (
        "vit_L_boxes",
        "vit_L_heatmap",
        "vit_L_corrected",
        "vit_L_error",
    )


@pytest.mark.parametrize(
    "name", ["", "a.b", "a b", "$where", "_private", "9poses", "a" * 65, "poses\n", "größe", "a-b", "../x"]
)
def test_what_is_no_field_name_is_refused(name: str) -> None:
    with pytest.raises(FieldError, match="letters, digits and underscores") as caught:
        PoseFields(name)
    assert repr(name) in str(caught.value)


def test_a_person_bears_what_the_model_said() -> None:
    first, second = two_people().keypoints
    assert first.label == second.label == "person"
    assert first.points[:2] == [pytest.approx([0.1, 0.1]), pytest.approx([-0.02, 1.03])]
    assert first.confidence == pytest.approx([0.9, 0.3, -0.1])
    assert first.score == pytest.approx(0.5 * (0.9 + 0.3) / 2)
    assert (first.bounding_box, first.box_id) == ([0.25, 0.1, 0.5, 0.6], "6b033946df36356b4f86b580")
    assert first.instance_id == "6b033946df36356b4f86b581"
    assert first.crop == [100.0, 50.0, 75.0, 100.0]
    assert second.score == 0  # no keypoint's score is above .2
    assert (second.box_id, second.instance) == (None, None)


def test_a_point_is_nan_as_a_whole_and_only_without_a_peak(make_dataset: MakeDataset) -> None:
    sample = write(make_dataset, two_people()).first()
    points = np.array([keypoint.points for keypoint in sample.poses.keypoints])
    assert points.shape == (2, 3, 2)
    assert np.isnan(points).all(-1).tolist() == [[False, False, True], [False, False, False]]
    raw = json.dumps(
        [
            {key: keypoint[key] for key in keypoint.field_names if key not in {"points", "instance"}}
            for keypoint in sample.poses.keypoints
        ]
    )
    assert "NaN" not in raw
    assert "Infinity" not in raw


def test_the_run_is_known_of_an_image_with_nobody(make_dataset: MakeDataset) -> None:
    empty = make_poses(image_poses([]), [], SIZE_WH, RUN, heatmaps_path=None)
    dataset = write(make_dataset, empty, two_people(), None)
    assert dataset.values("poses.run_id") == [RUN, RUN, None]
    assert dataset.first().poses.keypoints == []


def paths_in(document: Mapping[str, Any], prefix: str = "") -> set[str]:
    """The paths of what a MongoDB document holds, as FiftyOne's schema names them."""
    found: set[str] = set()
    for key, value in document.items():
        if key in {"_cls", "_id"}:
            continue
        path = f"{prefix}{key}"
        found.add(path)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                found |= paths_in(item, f"{path}.")
    return found


def test_everything_that_is_stored_is_declared(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people(heatmaps_path="/no/such/file.png"))
    (document,) = dataset._sample_collection.find({})
    stored = {f"poses.{path}" for path in paths_in(document["poses"])}
    declared = {path for path in dataset.get_field_schema(flat=True) if path.startswith("poses.")}
    assert stored <= declared
    assert {"poses.keypoints.score", "poses.keypoints.heatmap_index", "poses.heatmaps_path"} <= stored


def test_declaring_twice_changes_nothing(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people())
    before = dataset.get_field_schema(flat=True)
    declare_fields(dataset, FIELDS, detector=True, heatmaps=True)
    assert dataset.get_field_schema(flat=True) == before
    assert dataset.app_config.media_fields.count("poses.heatmaps_path") == 1


def test_what_another_process_declares_meanwhile_stays(make_dataset: MakeDataset) -> None:
    from fiftyone.core.odm import get_db_conn

    dataset = make_dataset("declared-twice")

    def elsewhere(path: str) -> None:
        """As a run on another field does it, of which this process's dataset knows nothing yet."""
        change = {"$push": {"app_config.media_fields": path}}
        get_db_conn().datasets.update_one({"name": dataset.name}, change)

    def stored() -> list[str]:
        dataset.save()
        dataset.reload()
        return list(dataset.app_config.media_fields)

    elsewhere("two.heatmaps_path")
    add_media_field(dataset, "one.heatmaps_path")
    assert stored() == ["filepath", "two.heatmaps_path", "one.heatmaps_path"]
    elsewhere("one_more.heatmaps_path")
    drop_media_fields(dataset, "one")
    assert stored() == ["filepath", "two.heatmaps_path", "one_more.heatmaps_path"]


def test_the_companions_of_a_run_are_those_it_writes(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, None, detector=False)
    assert not dataset.has_field("poses_boxes")
    assert not dataset.has_field("poses_corrected")


def test_aggregations_work_on_what_is_stored(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people(), make_poses(image_poses([]), [], SIZE_WH, RUN), None)
    confidence, score = "poses.keypoints.confidence", "poses.keypoints.score"
    assert dataset.bounds(confidence) == pytest.approx((-0.1, 0.9))
    assert dataset.bounds(confidence, safe=True) == pytest.approx((-0.1, 0.9))
    assert dataset.bounds(score, safe=True) == pytest.approx((0, 0.3))
    counts, edges, _ = dataset.histogram_values(confidence, bins=10)
    assert (sum(counts), len(edges)) == (6, 11)
    counts, _, _ = dataset.histogram_values(score, bins=4)
    assert sum(counts) == 2
    assert dataset.count(confidence) == 6
    assert dataset.count("poses.keypoints") == 2
    assert dataset.values(score)[0] == pytest.approx([0.3, 0])
    assert dataset.values(confidence, unwind=True)[:3] == pytest.approx([0.9, 0.3, -0.1])
    assert dataset.mean("poses.keypoints.bounding_box[]") == pytest.approx((0.25 + 0.1 + 0.5 + 0.6) / 4)


def test_the_digest_outlives_the_database_and_tells_an_edit(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people())
    for keypoint in dataset.first().poses.keypoints:
        assert keypoint.digest == points_digest(keypoint.points, keypoint.confidence)
    sample = dataset.first()
    digests = set()
    for edit in ([0.1, 0.1], [0.1, 0.1 + 1e-12], [NAN, NAN]):
        sample.poses.keypoints[1].points[0] = edit
        sample.save()
        dataset.reload()
        stored = dataset.first().poses.keypoints[1]
        assert stored.digest != points_digest(stored.points, stored.confidence)
        digests.add(points_digest(stored.points, stored.confidence))
    assert len(digests) == 3


def test_the_digest_of_nan_is_one() -> None:
    other_nan = float(np.frombuffer(b"\x01\x00\x00\x00\x00\x00\xf8\xff", "<f8")[0])
    assert math.isnan(other_nan)
    assert points_digest([[NAN, NAN]], [0.1]) == points_digest([[other_nan, -NAN]], [0.1])
    assert len(points_digest([[NAN, 1.0]], None)) == 16


def test_a_box_keeps_its_persons_id() -> None:
    known = {"6b033946df36356b4f86b580": "6b033946df36356b4f86b599"}
    first, second = two_people(known_ids=known).keypoints
    assert first.id == "6b033946df36356b4f86b599"
    assert second.id not in known.values()


def test_each_person_knows_its_place_in_the_file_of_heatmaps() -> None:
    label = two_people(heatmaps_path="/store/x.png")
    assert label.heatmaps_path == "/store/x.png"
    assert [keypoint.heatmap_index for keypoint in label.keypoints] == [0, 1]


def test_what_a_detector_found_is_linked_to_its_poses() -> None:
    people = DetectedPeople(
        np.array([[20, 10, 120, 60], [0, 0, 200, 100]], np.float32), np.array([0.75, 0.5], np.float32)
    )
    label, boxes = make_boxes(people, SIZE_WH)
    assert [d.label for d in label.detections] == ["person", "person"]
    assert label.detections[0].bounding_box == pytest.approx([0.1, 0.1, 0.5, 0.5])
    assert [d.confidence for d in label.detections] == [0.75, 0.5]
    assert boxes == [
        PersonBox(tuple(d.bounding_box), d.confidence, d.id, d.instance_id) for d in label.detections
    ]
    assert len({box.instance_id for box in boxes} - {None}) == 2


def test_the_skeleton_is_set_with_names_and_edges(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    set_skeleton(dataset, "poses", LIMB)
    stored = fo.load_dataset(dataset.name).skeletons["poses"]
    assert (stored.labels, stored.edges) == (["shoulder", "elbow", "wrist"], [[0, 1], [1, 2]])


def test_edges_that_someone_drew_stay(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.skeletons["poses"] = fo.KeypointSkeleton(labels=list(LIMB.keypoint_names), edges=[[0, 2]])
    dataset.save()
    set_skeleton(dataset, "poses", LIMB)
    assert dataset.skeletons["poses"].edges == [[0, 2]]


def test_other_skeletons_stay(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.default_skeleton = fo.KeypointSkeleton(labels=["a"], edges=[])
    set_skeleton(dataset, "left", LIMB)
    set_skeleton(dataset, "right", EYES)
    dataset.reload()
    assert {field: s.labels for field, s in dataset.skeletons.items()} == {
        "left": ["shoulder", "elbow", "wrist"],
        "right": ["left_eye", "right_eye"],
    }
    assert dataset.default_skeleton.labels == ["a"]


def test_a_skeleton_is_read_back(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, None)
    set_skeleton(dataset, "poses", EYES)
    skeleton = read_skeleton(dataset.view(), "poses")
    assert skeleton.keypoint_names == EYES.keypoint_names
    assert (skeleton.edges, skeleton.flip_indices) == (EYES.edges, EYES.flip_indices)


def test_edges_may_be_polylines_and_default(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, None)
    dataset.skeletons = {}
    dataset.default_skeleton = fo.KeypointSkeleton(labels=["a", "b", "c"], edges=[[0, 1, 2]])
    dataset.save()
    assert read_skeleton(dataset, "poses").edges == ((0, 1), (1, 2))


@pytest.mark.parametrize(
    ("field", "skeleton", "words"),
    [
        ("nothing", None, "no field 'nothing' with poses; fields with keypoints: poses"),
        ("filepath", None, "no field 'filepath' with poses"),
        ("poses", None, "has no skeleton with names"),
        ("poses", fo.KeypointSkeleton(edges=[[0, 1]]), "has no skeleton with names"),
        ("poses", fo.KeypointSkeleton(labels=["a", "a"], edges=[]), "distinct"),
        ("poses", fo.KeypointSkeleton(labels=["a", "b"], edges=[[0, 5]]), "beyond"),
    ],
)
def test_what_has_no_named_keypoints_is_said(
    make_dataset: MakeDataset, field: str, skeleton: fo.KeypointSkeleton | None, words: str
) -> None:
    dataset = write(make_dataset, None)
    dataset.skeletons = {} if skeleton is None else {"poses": skeleton}
    dataset.save()
    with pytest.raises(FieldError, match=words):
        read_skeleton(dataset, field)
