"""The bundled models as they are shipped, on drawings that they were not trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fo_pose_plugin as fop
from fo_pose_plugin.demo.bundled_models import BODY, NAMES, WHOLEBODY, bundled_pairs
from fo_pose_plugin.demo.comparison import compare
from fo_pose_plugin.demo.drawings import BOXES, drawing_seeds, fill_with_drawings
from fo_pose_plugin.models.catalog import find_model, load_network
from tests.mmpose_skeletons import mmpose_skeleton

MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def registered():
    known = {spec.name for spec in fop.list_models()}
    for pair in bundled_pairs():
        if pair.name not in known:
            fop.add_model(pair.name, pair.config, pair.checkpoint)


@pytest.mark.parametrize("pair", bundled_pairs(), ids=NAMES)
def test_weights_are_small_plain_and_finite(pair):
    assert pair.checkpoint.stat().st_size <= MOST_BYTES
    weights = torch.load(pair.checkpoint, weights_only=True)["state_dict"]
    floating = [value for value in weights.values() if value.is_floating_point()]
    assert {value.dtype for value in floating} == {torch.float16}
    assert all(value.isfinite().all() for value in floating)
    variances = [value for name, value in weights.items() if name.endswith("running_var")]
    assert variances
    assert all((value > 0).all() for value in variances)  # none was lost to half precision


@pytest.mark.parametrize(("name", "data_set"), [(BODY, "coco"), (WHOLEBODY, "coco_wholebody")])
def test_they_give_the_keypoints_of_coco_in_single_precision(registered, name, data_set):
    model = find_model(name)
    assert model.network.skeleton.keypoint_names == mmpose_skeleton(data_set).keypoint_names
    assert model.network.codec.kind == "udp"
    network = load_network(model)
    floating = [value for value in network._model.state_dict().values() if value.is_floating_point()]
    assert {value.dtype for value in floating} == {torch.float32}


@pytest.mark.parametrize(("name", "least_ap"), [(BODY, 0.6), (WHOLEBODY, 0.15)])
def test_on_held_out_drawings_they_are_near_the_truth(registered, make_dataset, tmp_path, name, least_ap):
    dataset = make_dataset()
    fill_with_drawings(dataset, tmp_path, drawing_seeds(50)[40:])  # others than the demo's
    report = fop.estimate_poses(
        dataset, name, boxes=BOXES, flip_test=True, keep_heatmaps=False, progress=False
    )
    assert report.failures == {}
    result = compare(dataset, "poses", find_model(name).network.skeleton)
    assert result.people == dataset.count(f"{BOXES}.detections")
    assert result.ap > least_ap, result
    confidence = np.concatenate(dataset.values("poses.keypoints[].confidence"))
    assert np.isfinite(confidence).all()


def test_left_is_not_taken_for_right(registered, make_dataset, tmp_path):
    """Swapping left and right in what was found must make it worse for nearly everybody."""
    dataset = make_dataset()
    fill_with_drawings(dataset, tmp_path, drawing_seeds(40)[24:])
    fop.estimate_poses(dataset, BODY, boxes=BOXES, keep_heatmaps=False, progress=False)
    flip = list(find_model(BODY).network.skeleton.flip_indices)
    right_way = []
    for sample in dataset:
        truth = {person.box_id: np.array(person.points) for person in sample["true_poses"].keypoints}
        for person in sample["poses"].keypoints:
            found, true = np.array(person.points), truth[person.box_id]
            right_way.append(np.nanmean(abs(found - true)) <= np.nanmean(abs(found[flip] - true)))
    assert np.mean(right_way) > 0.9
