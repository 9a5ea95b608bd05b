from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.boxes import PersonBox
from fo_pose_plugin.dataset.labels import PoseFields, declare_fields, make_poses, set_skeleton
from fo_pose_plugin.dataset.writer import CHUNK_SAMPLES, ChunkWriter, SampleResult

MakeDataset = Callable[..., fo.Dataset]
FIELDS = PoseFields("poses")
RUN = "pose_run_1"
COCO = Skeleton("coco", tuple(f"keypoint_{i}" for i in range(17)), (), tuple(range(17)))


def empty_dataset(make_dataset: MakeDataset, samples: int) -> fo.Dataset:
    dataset = make_dataset()
    declare_fields(dataset, FIELDS, detector=True, heatmaps=True)
    set_skeleton(dataset, FIELDS.poses, COCO)
    dataset.add_samples([fo.Sample(filepath=f"/no/{i}.jpg") for i in range(samples)], progress=False)
    return dataset


def poses_label(people: int = 1, run_id: str = RUN) -> fo.Keypoints:
    rng = np.random.default_rng(people)
    points = rng.uniform(0, 100, (people, len(COCO), 2)).astype(np.float32)
    scores = rng.uniform(0, 1, (people, len(COCO))).astype(np.float32)
    crops = tuple(Crop((50, 50), (75, 100)) for _ in range(people))
    boxes = [PersonBox((0.1, 0.1, 0.5, 0.5), 0.9, str(i).zfill(24), "a" * 24) for i in range(people)]
    return make_poses(ImagePoses(points, scores, crops), boxes, (100, 100), run_id)


def boxes_label(count: int = 1) -> fo.Detections:
    return fo.Detections(
        detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1]) for _ in range(count)]
    )


def stored(dataset: fo.Dataset) -> list[tuple[Any, ...]]:
    dataset.reload()
    return list(
        zip(*dataset.values(["poses.run_id", "poses_boxes.detections.label", "poses_error"]), strict=True)
    )


def test_nothing_is_written_before_a_chunk_is_full(make_dataset: MakeDataset) -> None:
    dataset = empty_dataset(make_dataset, CHUNK_SAMPLES + 3)
    writer = ChunkWriter(dataset, FIELDS)
    ids = dataset.values("id")
    written = [writer.add(SampleResult(sample_id, poses_label())) for sample_id in ids]
    assert [index for index, flag in enumerate(written) if flag] == [CHUNK_SAMPLES - 1]
    assert len(writer) == 3
    assert dataset.count("poses") == CHUNK_SAMPLES
    writer.flush()
    assert len(writer) == 0
    assert dataset.count("poses") == len(ids)
    writer.flush()  # with nothing waiting it does nothing


def test_each_sample_gets_what_is_its_own(make_dataset: MakeDataset) -> None:
    dataset = empty_dataset(make_dataset, 4)
    first, second, third, _ = dataset.values("id")
    dataset.set_values("poses_error", {first: "an old error"}, key_field="id")
    writer = ChunkWriter(dataset, FIELDS)
    heatmap = fo.Heatmap(map_path="/no/map.png", range=[0, 255])
    writer.add(SampleResult(third, poses_label(0), error="one box is empty"))
    writer.add(SampleResult(first, poses_label(2), boxes=boxes_label(2), heatmap=heatmap))
    writer.add(SampleResult(second, None, error="no image"))
    writer.flush()
    assert stored(dataset) == [
        (RUN, ["person", "person"], None),
        (None, None, "no image"),
        (RUN, None, "one box is empty"),
        (None, None, None),
    ]
    assert dataset.values("poses.keypoints.box_id")[0] == ["0" * 24, "0" * 23 + "1"]
    assert dataset.values("poses_heatmap.map_path") == ["/no/map.png", None, None, None]


def test_a_failed_sample_keeps_the_poses_it_had(make_dataset: MakeDataset) -> None:
    dataset = empty_dataset(make_dataset, 1)
    (sample_id,) = dataset.values("id")
    writer = ChunkWriter(dataset, FIELDS)
    writer.add(SampleResult(sample_id, poses_label(1, "pose_run_0"), boxes=boxes_label()))
    writer.flush()
    writer.add(SampleResult(sample_id, None, error="the file is gone"))
    writer.flush()
    assert stored(dataset) == [("pose_run_0", ["person"], "the file is gone")]


@pytest.mark.parametrize("broken", ["poses", "poses_error", "poses_boxes"])
def test_poses_are_written_last_and_a_chunk_can_be_written_again(
    make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    dataset = empty_dataset(make_dataset, 3)
    writer = ChunkWriter(dataset, FIELDS)
    for sample_id in dataset.values("id"):
        writer.add(SampleResult(sample_id, poses_label(), boxes=boxes_label(), error="e"))
    set_values = fo.Dataset.set_values

    def fail(self: fo.Dataset, name: str, *arguments: Any, **options: Any) -> None:
        if name == broken:
            raise ConnectionError("the database is gone")
        set_values(self, name, *arguments, **options)

    monkeypatch.setattr(fo.Dataset, "set_values", fail)
    with pytest.raises(ConnectionError):
        writer.flush()
    # Whatever was written, no sample bears the run's id: it is not taken for done.
    assert dataset.count("poses") == 0
    assert dataset.count("poses_boxes") == (0 if broken == "poses_boxes" else 3)
    assert len(writer) == 3
    monkeypatch.undo()
    writer.flush()
    assert stored(dataset) == [(RUN, ["person"], "e")] * 3


def test_boxes_get_their_instances(make_dataset: MakeDataset) -> None:
    dataset = empty_dataset(make_dataset, 2)
    taken = fo.Instance()
    first, second = dataset
    first["mine"] = fo.Detections(
        detections=[fo.Detection(label="person"), fo.Detection(label="person", instance=taken)]
    )
    first.save()
    second["mine"] = fo.Detections(detections=[fo.Detection(label="person", note="keep me")])
    second.save()
    wanted = [first.mine.detections[0], second.mine.detections[0]]
    new = [fo.Instance().id for _ in wanted]
    writer = ChunkWriter(dataset, FIELDS, boxes_field="mine")
    for sample, box, instance_id in zip((first, second), wanted, new, strict=True):
        writer.add(SampleResult(sample.id, poses_label(), new_instances={box.id: instance_id}))
    writer.flush()
    dataset.reload()
    found = [box for sample in dataset for box in sample.mine.detections]
    assert [box.instance_id for box in found] == [new[0], taken.id, new[1]]
    assert found[2]["note"] == "keep me"
    linked = dataset.match_labels(ids=[found[2].id])
    assert len(linked) == 1


def test_a_slice_that_is_not_active_is_written_too(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    sides = [fo.Sample(filepath=f"/no/{side}.jpg", group=group.element(side)) for side in ("left", "right")]
    for side in sides:
        side["mine"] = boxes_label()
    dataset.add_samples(sides, progress=False)
    declare_fields(dataset, FIELDS, detector=True, heatmaps=False)
    writer = ChunkWriter(dataset, FIELDS, boxes_field="mine")
    box_id = sides[1].mine.detections[0].id
    instance_id = fo.Instance().id
    writer.add(SampleResult(sides[1].id, poses_label(), new_instances={box_id: instance_id}))
    writer.flush()
    right = dataset.select_group_slices("right").first()
    assert right.poses.run_id == RUN
    assert right.mine.detections[0].instance_id == instance_id
    assert dataset.select_group_slices("left").first().poses is None


@pytest.mark.slow
def test_writing_costs_little_beside_making_the_labels(make_dataset: MakeDataset) -> None:
    count = 1_500
    dataset = empty_dataset(make_dataset, count)
    ids = dataset.values("id")
    began = time.process_time()
    labels = [poses_label(2) for _ in ids]
    building = time.process_time() - began
    writer = ChunkWriter(dataset, FIELDS)
    began = time.process_time()
    for sample_id, label in zip(ids, labels, strict=True):
        writer.add(SampleResult(sample_id, label, boxes=boxes_label(2)))
    writer.flush()
    writing = time.process_time() - began
    assert dataset.count("poses.keypoints") == 2 * count
    assert writing < 3 * building, f"writing took {writing:.2f} s, building {building:.2f} s"
