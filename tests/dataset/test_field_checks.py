from __future__ import annotations

from collections.abc import Callable

import fiftyone as fo
import pytest

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.field_checks import check_pose_field
from fo_pose_plugin.dataset.labels import PoseFields, declare_fields, set_skeleton
from fo_pose_plugin.dataset.runs import RunRecord
from fo_pose_plugin.errors import FieldError

MakeDataset = Callable[..., fo.Dataset]
FIELDS = PoseFields("poses")
LIMB = Skeleton("limb", ("shoulder", "elbow", "wrist"), ((0, 1), (1, 2)), (0, 1, 2))
EYES = Skeleton("eyes", ("left_eye", "right_eye"), ((0, 1),), (1, 0))


def two_people() -> fo.Keypoints:
    people = [fo.Keypoint(label="person", points=[[0.1, 0.1]] * 3) for _ in range(2)]
    return fo.Keypoints(keypoints=people, run_id="pose_run_1")


def write(make_dataset: MakeDataset, *labels: fo.Keypoints | None) -> fo.Dataset:
    dataset = make_dataset()
    declare_fields(dataset, FIELDS, detector=True, heatmaps=True)
    set_skeleton(dataset, FIELDS.poses, LIMB)
    samples = [fo.Sample(filepath=f"/no/{i}.jpg", poses=label) for i, label in enumerate(labels)]
    dataset.add_samples(samples, progress=False)
    return dataset


def test_a_subfield_of_another_type_is_named(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.add_sample_field("poses", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    dataset.add_sample_field("poses.keypoints.crop", fo.StringField)
    with pytest.raises(FieldError, match=r"'poses.keypoints.crop'"):
        check_pose_field(dataset, FIELDS, LIMB)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("poses", fo.Detections, "'poses' of type Detections"),
        ("poses", fo.Keypoint, "'poses' of type Keypoint,"),
        ("poses", fo.FloatField, "'poses' of type FloatField"),
        ("poses_boxes", fo.Keypoints, "'poses_boxes' of type Keypoints"),
        ("poses_heatmap", fo.StringField, "'poses_heatmap' of type StringField"),
        ("poses_error", fo.FloatField, "'poses_error'"),
    ],
)
def test_a_field_of_another_type_is_refused(
    make_dataset: MakeDataset, name: str, kind: type, words: str
) -> None:
    dataset = make_dataset()
    if issubclass(kind, fo.Field):
        dataset.add_sample_field(name, kind)
    else:
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    with pytest.raises(FieldError, match=words) as caught:
        check_pose_field(dataset, FIELDS, LIMB)
    assert "choose another pose_field" in str(caught.value)


@pytest.mark.parametrize("name", ["poses", "poses_boxes", "poses_heatmap", "poses_error"])
def test_a_read_only_field_is_refused(make_dataset: MakeDataset, name: str) -> None:
    dataset = write(make_dataset, None)
    field = dataset.get_field(name)
    field.read_only = True
    field.save()
    with pytest.raises(FieldError, match=f"'{name}' is read-only"):
        check_pose_field(dataset, FIELDS, LIMB)


@pytest.mark.parametrize("declared", [False, True])
def test_keypoints_that_no_run_made_are_never_replaced(make_dataset: MakeDataset, declared: bool) -> None:
    truth = fo.Keypoints(keypoints=[fo.Keypoint(points=[[0.1, 0.1]])])
    dataset = write(make_dataset, two_people(), truth) if declared else make_dataset()
    if not declared:
        dataset.add_sample(fo.Sample(filepath="/no/such/file.jpg", poses=truth))
    with pytest.raises(FieldError, match="no run of this plugin made"):
        check_pose_field(dataset, FIELDS, LIMB)


def test_keypoints_of_every_slice_are_looked_at(make_dataset: MakeDataset) -> None:
    truth = fo.Keypoints(keypoints=[fo.Keypoint(points=[[0.1, 0.1]])])
    dataset = make_dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    dataset.add_samples(
        [
            fo.Sample(filepath="/no/l.jpg", group=group.element("left")),
            fo.Sample(filepath="/no/r.jpg", group=group.element("right"), poses=truth),
        ],
        progress=False,
    )
    with pytest.raises(FieldError, match="no run of this plugin made"):
        check_pose_field(dataset.select_group_slices("right"), FIELDS, LIMB)


def test_poses_of_another_skeleton_are_refused(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people())
    assert check_pose_field(dataset, FIELDS, LIMB)
    with pytest.raises(FieldError, match=r"3 keypoints: shoulder, elbow, wrist .*gives 2"):
        check_pose_field(dataset, FIELDS, EYES)


def test_a_free_field_is_free(make_dataset: MakeDataset) -> None:
    assert not check_pose_field(make_dataset(), FIELDS, LIMB)
    cleared = write(make_dataset, None)
    assert not check_pose_field(cleared, FIELDS, EYES)
    set_skeleton(cleared, "poses", EYES)
    assert cleared.skeletons["poses"].labels == ["left_eye", "right_eye"]


def test_a_dataset_is_looked_at_beyond_the_view(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, two_people(), None)
    assert check_pose_field(dataset[1:], FIELDS, LIMB)
    with pytest.raises(FieldError):
        check_pose_field(dataset[1:].exclude_fields("poses"), FIELDS, EYES)


def test_a_view_without_the_field_is_refused(make_dataset: MakeDataset) -> None:
    # Whether its samples hold poses could not be told, and they would be replaced without a word.
    dataset = write(make_dataset, two_people(), None)
    with pytest.raises(FieldError, match="the view leaves out field 'poses'"):
        check_pose_field(dataset.exclude_fields("poses"), FIELDS, LIMB)


def test_the_number_of_keypoints_counts_where_the_skeleton_is_gone(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, fo.Keypoints(run_id="pose_run_1"), two_people())
    dataset.skeletons = {}
    dataset.save()
    assert check_pose_field(dataset, FIELDS, LIMB)
    with pytest.raises(FieldError, match=r"another skeleton \(3 keypoints\), this model gives 2"):
        check_pose_field(dataset, FIELDS, EYES)


@pytest.mark.parametrize("name", ["poses_boxes", "poses_heatmap", "poses_error"])
def test_what_the_user_keeps_under_a_companions_name_is_not_replaced(
    make_dataset: MakeDataset, name: str
) -> None:
    values = {
        "poses_boxes": fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])]),
        "poses_heatmap": fo.Heatmap(map_path="/no/map.png"),
        "poses_error": "out of focus",
    }
    dataset = make_dataset()
    dataset.add_sample(fo.Sample(filepath="/no/such/file.jpg", **{name: values[name]}))
    with pytest.raises(FieldError, match=f"'{name}' is filled, but no run wrote it"):
        check_pose_field(dataset, FIELDS, LIMB)
    assert not check_pose_field(dataset, PoseFields("other"), LIMB)


def test_what_a_broken_off_run_wrote_is_its_own(make_dataset: MakeDataset) -> None:
    dataset = write(make_dataset, None)
    dataset.set_values("poses_error", ["unreadable"])
    RunRecord.start(dataset, "poses", {}, {})
    assert not check_pose_field(dataset, FIELDS, LIMB)
