"""Models and detectors by name: what is checked when they are added, and what is told about them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from fo_pose_plugin.errors import (
    CheckpointError,
    ConfigError,
    DownloadError,
    InstallationError,
    ModelError,
    UnknownModelError,
)
from fo_pose_plugin.models import catalog, configs, model_specs
from fo_pose_plugin.models import weights as weights_module
from fo_pose_plugin.models.catalog import ModelSpec
from fo_pose_plugin.models.mmdet_detectors import DetectorCard
from fo_pose_plugin.models.mmpose_models import ModelCard
from fo_pose_plugin.models.pose_network import NetworkSpec
from tests.tiny_models import write_tiny_model

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Config and weights of a body model."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), "CocoDataset", 17, 0)


@pytest.fixture(scope="module")
def tiny_wholebody(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Config and weights of a whole-body model."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), "CocoWholeBodyDataset", 133, 3)


def test_an_added_model_is_told_found_listed_and_forgotten(
    tiny: tuple[Path, Path], tiny_wholebody: tuple[Path, Path]
) -> None:
    assert catalog.registered_models() == []
    spec = catalog.add_model("body", *tiny)
    assert spec == ModelSpec(
        name="body",
        task="body",
        keypoints=17,
        groups={"body": 17},
        input_size_wh=(64, 64),
        codec="msra",
        weights=str(tiny[1]),
        ap=None,
        skeleton="coco",
    )
    assert spec.describe() == "body: 17 keypoints, 64x64 input"
    whole = catalog.add_model("a-whole", *tiny_wholebody)
    assert whole.describe() == ("wholebody: 133 keypoints (body 17, feet 6, face 68, hands 42), 64x64 input")
    assert catalog.registered_models() == [whole, spec]
    assert catalog.list_models()[:2] == [whole, spec]
    assert catalog.list_models("wholebody")[0] == whole
    hands = catalog.list_models("hand")
    assert whole not in hands
    assert spec not in hands
    assert catalog.find_model("body").spec == spec
    catalog.remove_model("body")
    assert catalog.registered_models() == [whole]
    assert tiny[1].is_file()
    with pytest.raises(UnknownModelError, match=r"no model 'body'.*a-whole"):
        catalog.find_model("body")
    with pytest.raises(UnknownModelError):
        catalog.remove_model("body")


def test_a_taken_name_is_refused_before_anything_is_read(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    catalog.add_model("body", *tiny)
    with pytest.raises(ModelError, match="'body' already"):
        catalog.add_model("body", tmp_path / "no-config.py", tmp_path / "no-weights.pth")
    catalog.add_model("body", *tiny, overwrite=True)
    assert len(catalog.registered_models()) == 1


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "-x", "a" * 101])
def test_a_name_that_cannot_be_one_is_refused(tiny: tuple[Path, Path], name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name"):
        catalog.add_model(name, *tiny)


def test_weights_of_another_model_are_refused_and_nothing_is_kept(
    tiny: tuple[Path, Path], tiny_wholebody: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError):
        catalog.add_model("body", tiny[0], tiny_wholebody[1])
    with pytest.raises(CheckpointError, match=r"missing\.pth are not there"):
        catalog.add_model("body", tiny[0], tmp_path / "missing.pth")
    with pytest.raises(CheckpointError, match="are not there, or no file"):
        catalog.add_model("body", tiny[0], tmp_path)
    assert catalog.registered_models() == []


def test_a_config_of_another_kind_of_model_is_refused(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    config = tmp_path / "regression.py"
    config.write_text(tiny[0].read_text().replace("TopdownPoseEstimator", "BottomupPoseEstimator"))
    with pytest.raises(ConfigError, match=r"'BottomupPoseEstimator', expected 'TopdownPoseEstimator'"):
        catalog.add_model("body", config, tiny[1])
    with pytest.raises(ConfigError):
        catalog.add_model("body", tmp_path / "missing.py", tiny[1])


def test_weights_that_changed_since_are_refused_when_they_are_loaded(
    tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(tiny[1].read_bytes())
    catalog.add_model("body", tiny[0], copy)
    model = catalog.find_model("body")
    assert catalog.load_network(model, device="cpu").device == "cpu"
    copy.write_bytes(copy.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="sha256"):
        catalog.load_network(model, device="cpu")
    copy.unlink()
    with pytest.raises(CheckpointError):
        catalog.load_network(model, device="cpu")


def test_a_damaged_entry_does_not_hide_the_others(tiny: tuple[Path, Path], own_registry: Path) -> None:
    spec = catalog.add_model("body", *tiny)
    (own_registry / "registry" / "models" / "broken.json").write_text("{")
    assert catalog.registered_models() == [spec]
    damaged = catalog.damaged_entries()
    assert list(damaged) == ["broken"]
    assert "broken.json is damaged" in damaged["broken"]
    with pytest.raises(ConfigError, match=r"broken\.json is damaged"):
        catalog.find_model("broken")
    catalog.remove_model("broken")
    assert catalog.damaged_entries() == {}


def test_the_config_is_run_once_and_its_file_may_go(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text(tiny[0].read_text())
    catalog.add_model("body", config, tiny[1])
    config.unlink()
    network = catalog.load_network(catalog.find_model("body"), device="cpu")
    assert network.spec.skeleton.name == "coco"


def test_a_runs_details_are_data_for_the_database(tiny: tuple[Path, Path]) -> None:
    catalog.add_model("body", *tiny)
    details = catalog.run_details(catalog.find_model("body"), None)
    assert json.loads(json.dumps(details)) == details
    assert details["keypoints"][:2] == ["nose", "left_eye"]
    assert details["input_size_wh"] == [64, 64]
    assert details["detector_weights"] is None
    assert {"fiftyone", "torch", "mmpose", "numpy"} <= set(details["versions"])
    assert json.loads(details["config"])["model"]["type"] == "TopdownPoseEstimator"


def test_a_detector_is_added_found_listed_and_forgotten(shared_data: Path) -> None:
    models = shared_data / "models"
    config, weights = models / "yolox_nano_coco.py", models / "yolox_nano_coco.pth"
    spec = catalog.add_detector("people", config, weights)
    assert (spec.name, spec.classes, spec.weights) == ("people", 80, str(weights))
    assert catalog.registered_detectors() == [spec]
    found = catalog.find_detector("people")
    assert found.spec == spec
    assert catalog.load_detector(found, device="cpu").device == "cpu"
    assert catalog.registered_models() == []  # models and detectors have names of their own
    with pytest.raises(ModelError, match="'people' already"):
        catalog.add_detector("people", config, weights)
    with pytest.raises(CheckpointError):
        catalog.add_detector("other", config, models / "tinypose_coco_256x192.pth")
    catalog.remove_detector("people")
    assert catalog.registered_detectors() == []
    with pytest.raises(UnknownModelError, match="no detector 'people'"):
        catalog.find_detector("people")


@pytest.fixture
def published(
    tiny: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ModelCard]:
    """Make a card whose weights are the tiny model's, the only one of MMPose's; nobody serves its address."""

    def publish(**changes: Any) -> ModelCard:
        sha256 = weights_module.sha256_of(tiny[1])
        card = ModelCard(
            name="published",
            config=str(tiny[0]),
            task="body",
            dataset="COCO",
            url=f"http://127.0.0.1:9/{tiny[1].name}",
            sha256_prefix=sha256[:8],
            ap=0.5,
            metrics={},
            notes=(),
            parameters_m=0.1,
            gflops=0.1,
            size_mb=0.4,
            needs=None,
            problem=None,
            network=NetworkSpec.from_config(
                config := configs.read_config(tiny[0]), configs.pose_metainfo(config)
            ),
        )
        card = dataclasses.replace(card, **changes)
        for module in (catalog, model_specs):
            monkeypatch.setattr(module, "all_cards", lambda: {card.name: card})
        return card

    monkeypatch.setenv("FO_POSE_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    return publish


def run(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_a_published_model_is_known_before_it_is_fetched(published: Callable[..., ModelCard]) -> None:
    card = published()
    known = catalog.find_model(card.name)
    assert known.entry is None
    assert (known.spec.weights, known.spec.is_here, known.spec.registered) == (None, False, False)
    assert (known.spec.ap, known.spec.speed, known.spec.size_mb) == (0.5, "fast", 0.4)
    assert known.network == card.network
    assert catalog.list_models() == [known.spec]
    assert catalog.list_models("hand") == catalog.registered_models() == []
    with pytest.raises(ModelError, match=r"not ready yet: `fo-pose models download published`"):
        catalog.load_network(known)
    with pytest.raises(UnknownModelError):
        catalog.remove_model(card.name)  # there is nothing to forget


def test_weights_put_there_by_hand_are_taken_checked_and_registered(
    published: Callable[..., ModelCard], tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    card = published()
    here = tmp_path / "weights" / tiny[1].name
    shutil.copy(tiny[1], here)
    assert catalog.find_model(card.name).spec.is_here
    known = run(catalog.fetch_model(card.name))
    assert known.entry is not None
    assert known.entry.checkpoint_sha256 == weights_module.sha256_of(tiny[1])
    assert (known.spec.weights, known.spec.registered, known.spec.ap) == (str(here), True, 0.5)
    assert catalog.list_models() == catalog.registered_models() == [known.spec]
    assert run(catalog.fetch_model(card.name)) == known  # nothing is done twice
    assert catalog.load_network(known, device="cpu").device == "cpu"
    here.write_bytes(here.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="sha256"):
        catalog.load_network(known, device="cpu")
    catalog.remove_model(card.name)
    assert catalog.find_model(card.name).entry is None


def test_weights_that_cannot_be_had_register_nothing(published: Callable[..., ModelCard]) -> None:
    card = published()
    with pytest.raises(DownloadError, match=r"Put it into .*sha256 begins with"):
        run(catalog.fetch_model(card.name))
    assert catalog.registered_models() == []


def test_published_weights_of_another_model_register_nothing(
    published: Callable[..., ModelCard], tiny_wholebody: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tiny_wholebody[1]
    sha256 = weights_module.sha256_of(other)
    card = published(url=f"http://127.0.0.1:9/{other.name}", sha256_prefix=sha256[:8])
    shutil.copy(other, tmp_path / "weights")
    with pytest.raises(CheckpointError, match="of another model"):
        run(catalog.fetch_model(card.name))
    assert catalog.registered_models() == []


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"url": None, "sha256_prefix": None},
            ModelError,
            "no weights of it are published: register your own",
        ),
        ({"problem": "it fails"}, ModelError, "'published' cannot be used: it fails"),
        ({"problem": "it fails", "network": None}, ModelError, "'published' cannot be used: it fails"),
        ({"needs": "mmpretrain"}, InstallationError, "`fo-pose install --extra vitpose`"),
    ],
)
def test_a_model_that_cannot_be_used_says_why_before_anything_is_downloaded(
    published: Callable[..., ModelCard],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    card = published(**changes)
    monkeypatch.setitem(sys.modules, "mmpretrain", None)
    with pytest.raises(error, match=message):
        run(catalog.fetch_model(card.name))


def test_ones_own_model_under_a_published_name_comes_first(
    published: Callable[..., ModelCard], tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    card = published()
    mine = tmp_path / "mine.pth"
    shutil.copy(tiny[1], mine)
    spec = catalog.add_model(card.name, tiny[0], mine)
    assert (spec.weights, spec.ap) == (str(mine), None)  # what is published is not of these weights
    assert catalog.list_models() == [spec]


def test_unknown_names_are_answered_with_those_like_them() -> None:
    with pytest.raises(
        UnknownModelError, match=r"Like it: td-hm_litehrnet-18_8xb32-210e_coco-384x288, .*list`"
    ):
        catalog.find_model("LiteHRNet")
    with pytest.raises(UnknownModelError, match="Like it: td-hm_hrnet-w32_8xb64-210e_coco-256x192,"):
        catalog.find_model("td-hm_hrnet-w32_8xb64-210_coco-256x192")
    with pytest.raises(UnknownModelError, match="Like it: rtmdet-m-person, rtmdet-nano-person"):
        catalog.find_detector("rtmdet")
    with pytest.raises(UnknownModelError, match="no model ''"):
        catalog.find_model("")


def test_detectors_are_known_before_they_are_fetched() -> None:
    known = catalog.find_detector("rtmdet-m-person")
    assert known.entry is None
    assert (known.spec.classes, known.spec.box_ap, known.spec.registered) == (1, 62.5, False)
    assert known.spec in catalog.list_detectors()
    with pytest.raises(ModelError, match="`fo-pose detectors download rtmdet-m-person`"):
        catalog.load_detector(known)


def test_a_detectors_weights_put_there_by_hand_are_taken_and_registered(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shared_data / "models" / "yolox_nano_coco.pth"
    card = DetectorCard(
        name="published",
        config=str(shared_data / "models" / "yolox_nano_coco.py"),
        url=f"http://127.0.0.1:9/{weights.name}",
        sha256_prefix=weights_module.sha256_of(weights)[:8],
        classes=80,
        box_ap=25.8,
        parameters_m=0.9,
        gflops=0.5,
        size_mb=4.0,
        note="small",
    )
    for module in (catalog, model_specs):
        monkeypatch.setattr(module, "all_detectors", lambda: {card.name: card})
    monkeypatch.setenv("FO_POSE_WEIGHTS", str(tmp_path))
    assert not catalog.find_detector(card.name).spec.is_here
    shutil.copy(weights, tmp_path)
    assert catalog.find_detector(card.name).spec.is_here
    known = run(catalog.fetch_detector(card.name))
    assert known.entry is not None
    assert (known.spec.box_ap, known.spec.note, known.spec.registered) == (25.8, "small", True)
    assert catalog.list_detectors() == [known.spec]
    assert catalog.load_detector(known, device="cpu").device == "cpu"
