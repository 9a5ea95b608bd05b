"""The model on one box: held while it is used, loaded once, let go when idle, and quick."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset.labels import read_skeleton
from fo_pose_plugin.errors import BoxError, FieldError, ImageReadError, UnknownModelError
from fo_pose_plugin.models import catalog
from fo_pose_plugin.tasks.reestimate_pose import WarmNetwork, find_reestimator, reestimate_pose
from tests.tiny_models import BODY, CROWDPOSE, OTHER_BODY

HRNET = "hrnet-w32-random"
BOX = (5.0, 5.0, 40.0, 50.0)


@pytest.fixture
def posed(noise: Callable[..., fo.Dataset], tiny: Callable[..., None]) -> fo.Dataset:
    tiny(BODY, OTHER_BODY, CROWDPOSE)
    dataset = noise([1])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    return dataset


def wait_until(true: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not true():
        time.sleep(0.02)
    return true()


def test_two_requests_at_once_load_once(posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    real, loads = catalog.load_network, []

    def slow(model: Any, **more: Any) -> Any:
        loads.append(model)
        time.sleep(0.3)
        return real(model, **more)

    monkeypatch.setattr(catalog, "load_network", slow)
    warm, found = WarmNetwork(), []

    def ask() -> None:
        found.append(reestimate_pose(posed, posed.first().id, "poses", BOX, warm))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == warm.loads == 1
    assert len({one.confidence for one in found}) == 1


def test_it_is_let_go_when_idle_and_not_before(posed: fo.Dataset) -> None:
    warm = WarmNetwork(idle_s=0.4)
    for _ in range(3):
        reestimate_pose(posed, posed.first().id, "poses", BOX, warm)
        assert warm.is_loaded
        time.sleep(0.1)
    assert warm.loads <= 3
    assert wait_until(lambda: not warm.is_loaded)
    reestimate_pose(posed, posed.first().id, "poses", BOX, warm)
    assert warm.is_loaded


def test_a_model_registered_anew_is_loaded_anew(posed: fo.Dataset) -> None:
    warm = WarmNetwork()
    models = [catalog.find_model(name) for name in (BODY, OTHER_BODY, BODY)]
    for model in models:
        with warm.use(model) as network:
            assert len(network.spec.skeleton) == 17
    assert warm.loads == 3


def test_the_newest_run_with_these_keypoints_says_which_model(posed: fo.Dataset) -> None:
    skeleton = read_skeleton(posed, "poses")
    fop.estimate_poses(posed, CROWDPOSE, boxes="boxes", pose_field="crowd", progress=False)
    assert find_reestimator(posed, "poses", skeleton).name == BODY
    assert find_reestimator(posed, "crowd", read_skeleton(posed, "crowd")).name == CROWDPOSE
    # Ground truth has no run: another field's with the same keypoints serves.
    assert find_reestimator(posed, "truth", skeleton).name == BODY
    fop.estimate_poses(posed, OTHER_BODY, boxes="boxes", overwrite=True, progress=False)
    assert find_reestimator(posed, "poses", skeleton).name == OTHER_BODY


def test_what_cannot_be_run_is_said(posed: fo.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    warm, sample = WarmNetwork(), posed.first()
    for box in ((500.0, 0, 10, 10), (0.0, -50, 10, 50)):
        with pytest.raises(BoxError, match="less than one pixel"):
            reestimate_pose(posed, sample.id, "poses", box, warm)
    Path(sample.filepath).unlink()
    with pytest.raises(ImageReadError, match="does not exist"):
        reestimate_pose(posed, sample.id, "poses", BOX, warm)
    skeleton = read_skeleton(posed, "poses")
    monkeypatch.setenv("FO_POSE_HOME", str(Path(sample.filepath).parent / "another"))
    with pytest.raises(UnknownModelError):
        find_reestimator(posed, "poses", skeleton)
    monkeypatch.undo()
    for run in posed.list_runs():
        posed.delete_run(run)
    with pytest.raises(FieldError, match="no run with the keypoints"):
        find_reestimator(posed, "poses", skeleton)
    assert not warm.is_loaded


@pytest.fixture
def hrnet(tmp_path: Path) -> str:
    """HRNet-w32 as MMPose has it, with random weights: they take as long as real ones."""
    from fo_pose_plugin.models import openmmlab

    openmmlab.prepare()
    import torch
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmpose.models import build_pose_estimator

    spec = importlib.util.find_spec("mmpose")
    assert spec is not None
    assert spec.origin is not None
    configs = Path(spec.origin).parent / ".mim" / "configs" / "body_2d_keypoint" / "topdown_heatmap" / "coco"
    config = configs / "td-hm_hrnet-w32_8xb64-210e_coco-256x192.py"
    read = Config.fromfile(str(config))
    read.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope("mmpose"):
        model = build_pose_estimator(read.model)
    checkpoint = tmp_path / "hrnet.pth"
    torch.save({"state_dict": model.state_dict()}, checkpoint)
    fop.add_model(HRNET, config, checkpoint, overwrite=True)
    return HRNET


@pytest.mark.slow
def test_hrnet_w32_answers_within_two_seconds(
    noise: Callable[..., fo.Dataset], hrnet: str, record_property: Callable[[str, object], None]
) -> None:
    """Warm, on a processor, in time that this process gets: other tests use the machine too."""
    dataset = noise([1])
    fop.estimate_poses(dataset, hrnet, boxes="boxes", progress=False)
    warm = WarmNetwork()
    first = reestimate_pose(dataset, dataset.first().id, "poses", BOX, warm)
    seconds, processor = [], []
    for _ in range(5):
        began = time.process_time()
        seconds.append(reestimate_pose(dataset, dataset.first().id, "poses", BOX, warm).seconds)
        processor.append(time.process_time() - began)
    told = {"first_s": first.seconds, "warm_s": min(seconds), "warm_processor_s": min(processor)}
    for name, value in told.items():
        record_property(name, round(value, 3))
    print(told)  # noqa: T201
    assert min(processor) < 2
