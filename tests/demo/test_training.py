"""How the bundled models are trained: crops, and a few steps of the whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fo_pose_plugin.demo.bundled_models import bundled_pairs
from fo_pose_plugin.demo.drawn_people import draw_scene
from fo_pose_plugin.demo.training.crop_pool import PATCH_WH, CropPool, draw_pool
from tests.mmpose_skeletons import mmpose_skeleton


@pytest.fixture(scope="module")
def pool():
    return draw_pool(0, 5)


def test_crops_hold_their_people(pool, tmp_path):
    people = [person for seed in range(6) for person in draw_scene(seed).people][:5]
    for index, person in enumerate(people):
        image = cv2.imdecode(pool.images[index], cv2.IMREAD_COLOR)
        assert image.shape == (PATCH_WH[1], PATCH_WH[0], 3)
        x1, y1, x2, y2 = pool.boxes[index]
        assert np.allclose([(x1 + x2) / 2, (y1 + y2) / 2], np.array(PATCH_WH) / 2, atol=0.1)
        box = person.bbox_xyxy
        relative = (person.points - box[:2]) / (box[2:] - box[:2])
        assert np.allclose((pool.points[index] - [x1, y1]) / [x2 - x1, y2 - y1], relative, atol=1e-3)
        assert np.array_equal(pool.visible[index], person.visible)


def test_a_pool_is_kept_on_disk(pool, tmp_path):
    pool.save(tmp_path / "pool.npz")
    again = CropPool.load(tmp_path / "pool.npz")
    assert len(again) == len(pool) == 5
    for one, other in zip(again.images, pool.images, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(again.points, pool.points)


def test_a_sample_is_what_mmposes_transforms_take(pool):
    sample = pool.sample(0, mmpose_skeleton("coco"), np.random.default_rng(0))
    assert sample["keypoints"].shape == (1, 17, 2)
    assert set(np.unique(sample["keypoints_visible"])) <= {0, 1}
    assert sample["img"].shape == (PATCH_WH[1], PATCH_WH[0], 3)
    other = pool.sample(0, mmpose_skeleton("coco"), np.random.default_rng(1))
    assert not np.array_equal(sample["img"], other["img"])  # in another light


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_few_steps_train_both_models_and_go_on_where_they_were(tmp_path):
    def run(crops: int) -> str:
        words = ["--work", "work", "--out", "out", "--drawn", "500", "--crops", str(crops)]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "fo_pose_plugin.demo.training", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "drawn: crops_000.npz" in run(32)
    run(64)
    for pair in bundled_pairs():
        weights = torch.load(tmp_path / "out" / pair.checkpoint.name, weights_only=True)["state_dict"]
        shipped = torch.load(pair.checkpoint, weights_only=True)["state_dict"]
        assert {name: value.shape for name, value in weights.items()} == {
            name: value.shape for name, value in shipped.items()
        }
        state = torch.load(tmp_path / "work" / f"{pair.checkpoint.stem}.state", weights_only=True)
        assert state["seen"] == 64
