from __future__ import annotations

import os
from pathlib import Path

import pytest

from fo_pose_plugin.demo import bundled_models, models_at_hand
from fo_pose_plugin.errors import ConfigError, UnknownModelError
from fo_pose_plugin.models import catalog
from tests.tiny_models import write_tiny_model


@pytest.fixture
def own_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), "CocoDataset", 17, 0)


def named(pairs):
    return {pair.config.name: pair.checkpoint.name for pair in pairs}


def find(configs: list[str], checkpoints: list[str]):
    return models_at_hand.find_pairs([Path(name) for name in configs], [Path(name) for name in checkpoints])


def test_names_of_mmpose_and_of_others_are_paired():
    body = "td-hm_hrnet-w32_8xb64-210e_coco-256x192.py"
    large = "td-hm_hrnet-w32_8xb64-210e_coco-384x288.py"
    dark = "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192.py"
    pairs, alone = find(
        [body, large, dark, "td-hm_tinypose_coco-256x192.py", "td-hm_tinypose_coco-wholebody-256x192.py"],
        [
            "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth",
            "td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth",
            "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192-0e00bf12_20220914.pth",
            "tinypose_coco_256x192.pth",
            "tinypose_wholebody_256x192.pth",
        ],
    )
    assert named(pairs) == {
        body: "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth",
        large: "td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth",
        dark: "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192-0e00bf12_20220914.pth",
        "td-hm_tinypose_coco-256x192.py": "tinypose_coco_256x192.pth",
        "td-hm_tinypose_coco-wholebody-256x192.py": "tinypose_wholebody_256x192.pth",
    }
    assert alone == []


def test_what_has_no_counterpart_is_left_alone():
    pairs, alone = find(
        ["pose_coco-256x192.py", "rtmdet_nano.py"], ["pose_coco-128x96.pth", "somebody_elses.pth"]
    )
    assert pairs == []
    assert len(alone) == 4


def test_one_checkpoint_is_not_given_to_two_configs():
    pairs, alone = find(["pose_a.py", "pose_a_b.py"], ["pose_a.pth"])
    assert named(pairs) == {"pose_a.py": "pose_a.pth"}
    assert alone == [Path("pose_a_b.py")]


def test_a_name_that_can_be_registered_is_made():
    assert models_at_hand.Pair(Path("c.py"), Path("my pose (v2).pth")).name == "my_pose__v2_"
    assert models_at_hand.Pair(Path("c.py"), Path("--.pth")).name == "model"


def test_a_folder_is_registered_once_and_what_cannot_be_used_is_told(own_registry, tiny_model, tmp_path):
    config, checkpoint = tiny_model
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.py").symlink_to(config)
    (folder / "tiny.pth").symlink_to(checkpoint)
    (folder / "broken.py").symlink_to(config)
    (folder / "broken.pth").write_bytes(b"no weights")
    (folder / "lonely.pth").write_bytes(b"")
    said: list[str] = []
    pairs = models_at_hand.new_pairs(folder, said.append)
    models_at_hand.register_pairs(pairs, said.append)
    assert [line.split(":")[0] for line in said] == ["left out", "left out", "registered tiny"]
    assert "lonely.pth has no counterpart" in said[0]
    assert "broken.py with broken.pth" in said[1]
    assert [spec.name for spec in catalog.registered_models()] == ["tiny"]

    entry_added_at = (folder / "tiny.pth").stat().st_mtime
    assert [pair.name for pair in models_at_hand.new_pairs(folder, said.append)] == ["broken"]
    changed = folder / "tiny.py"
    changed.unlink()
    changed.write_text(config.read_text())
    os.utime(changed, (entry_added_at + 10_000, entry_added_at + 10_000))
    assert [pair.name for pair in models_at_hand.new_pairs(folder, said.append)] == ["broken", "tiny"]


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no folder"):
        models_at_hand.new_pairs(tmp_path / "absent", print)


def test_the_users_models_are_taken_over_and_lost_ones_forgotten(tmp_path, tiny_model, monkeypatch):
    config, checkpoint = tiny_model
    weights = tmp_path / "weights.pth"
    weights.write_bytes(checkpoint.read_bytes())
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "users"))
    catalog.add_model("mine", config, weights)
    entries = models_at_hand.users_entries()
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "demos"))
    models_at_hand.adopt(entries)
    models_at_hand.adopt(entries)
    assert [spec.name for spec in catalog.registered_models()] == ["mine"]
    weights.unlink()
    models_at_hand.adopt([])
    assert catalog.registered_models() == []
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "users"))
    assert models_at_hand.users_entries() == []


def spec(name: str, task="body", size_wh=(192, 256)) -> catalog.ModelSpec:
    return catalog.ModelSpec(name, task, 17, {}, size_wh, "msra", "", None, "coco")


@pytest.mark.parametrize(
    ("specs", "users", "chosen"),
    [
        ([spec("a", "wholebody"), spec("b"), spec("c")], (), "b"),
        ([spec("a", size_wh=(96, 128)), spec("b")], (), "b"),
        ([spec("a"), spec("b", size_wh=(96, 128))], ("b",), "b"),
        ([spec("a"), spec("b", "hand")], ("b",), "a"),
        ([spec("a", "wholebody")], (), "a"),
    ],
)
def test_without_a_name_the_model_that_shows_most_is_chosen(specs, users, chosen, monkeypatch):
    monkeypatch.setattr(catalog, "registered_models", lambda: specs)
    assert models_at_hand.choose_model(None, users, ["last"]).name == chosen


def test_the_bundled_models_are_a_last_resort_on_photos(monkeypatch):
    specs = [spec("demo-body"), spec("own", "hand", (96, 96))]
    monkeypatch.setattr(catalog, "registered_models", lambda: specs)
    assert models_at_hand.choose_model(None, (), bundled_models.NAMES).name == "own"
    assert models_at_hand.choose_model(None, (), ()).name == "demo-body"
    del specs[1]
    assert models_at_hand.choose_model(None, (), bundled_models.NAMES).name == "demo-body"


def test_with_nothing_at_hand_it_says_what_to_do(own_registry):
    with pytest.raises(UnknownModelError, match="name one of MMPose's with MODEL=name"):
        models_at_hand.choose_model(None, ())
    with pytest.raises(UnknownModelError, match="no model 'mine'"):
        models_at_hand.choose_model("mine", ())
    assert models_at_hand.choose_detector(None, ()) is None
    with pytest.raises(UnknownModelError, match="no detector 'mine'"):
        models_at_hand.choose_detector("mine", ())


def test_the_users_detector_comes_first(monkeypatch):
    found = [catalog.DetectorSpec(name, 1, "") for name in ("a", "b")]
    monkeypatch.setattr(catalog, "registered_detectors", lambda: found)
    assert models_at_hand.choose_detector(None, ()) == "a"
    assert models_at_hand.choose_detector(None, ("b",)) == "b"
