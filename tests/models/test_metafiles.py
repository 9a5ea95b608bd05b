"""MMPose's metafiles: every config is listed once, every odd entry is handled or named with the reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models import metafiles
from fo_pose_plugin.models.metafiles import Metafiles, PublishedModel, read_metafiles


@pytest.fixture(scope="module")
def wheel() -> Metafiles:
    """The metafiles of the installed MMPose."""
    return read_metafiles()


@pytest.fixture(scope="module")
def by_name(wheel: Metafiles) -> dict[str, PublishedModel]:
    """Its models by name."""
    return {model.name: model for model in wheel.models}


def test_every_config_of_the_wheel_is_listed_once(wheel: Metafiles) -> None:
    assert wheel.files == 147
    assert Counter(model.room for model in wheel.models) == {
        "body_2d_keypoint": 170,
        "wholebody_2d_keypoint": 19,
        "hand_2d_keypoint": 18,
        "face_2d_keypoint": 14,
        "animal_2d_keypoint": 23,
        "fashion_2d_keypoint": 34,
    }
    assert len({model.name for model in wheel.models}) == len(wheel.models)


def test_entries_are_used_or_left_out_with_a_reason(wheel: Metafiles) -> None:
    """380 entries: 275 of this method, of which 13 are a second one of their name and 1 has no config."""
    left_out = sum(item.count for item in wheel.left_out)
    second = sum("2 entries" in note for model in wheel.models for note in model.notes)
    without = sum("no entry" in note for model in wheel.models for note in model.notes)
    assert left_out + second + len(wheel.models) - without == 380
    assert all(item.reason and item.count for item in wheel.left_out)
    assert [item.what for item in wheel.left_out if "not in the wheel" in item.reason] == [
        "topdown_heatmap_swin_b_p4_w7_fpn_coco_256x192"
    ]


def test_an_ordinary_entry(by_name: dict[str, PublishedModel]) -> None:
    model = by_name["td-hm_hrnet-w32_8xb64-210e_coco-256x192"]
    assert model.config == f"mmpose::body_2d_keypoint/topdown_heatmap/coco/{model.name}.py"
    assert (model.ap, model.dataset, model.sha256_prefix) == (0.746, "COCO", "81c58e40")
    assert model.file_name == f"{model.name}-81c58e40_20220909.pth"
    assert model.url is not None
    assert model.url.endswith(model.file_name)
    assert model.metrics["AP@0.5"] == 0.904
    assert model.notes == ()


def test_whole_body_models_are_told_by_the_ap_of_all_keypoints(by_name: dict[str, PublishedModel]) -> None:
    model = by_name["td-hm_hrnet-w32_8xb64-210e_coco-wholebody-256x192"]
    assert model.ap == 0.536
    assert model.metrics["Body AP"] == 0.678


def test_a_path_that_is_gone_is_found_by_its_name_and_both_results_are_kept(
    by_name: dict[str, PublishedModel],
) -> None:
    model = by_name["td-hm_cpm_8xb32-40e_jhmdb-sub1-368x368"]
    assert (model.metrics["Mean"], model.metrics["Mean (by torso size)"]) == (89.5, 66.0)
    assert model.ap is None
    assert any("path that is gone" in note for note in model.notes)


def test_other_names_and_missing_entries_and_checksums_are_noted(by_name: dict[str, PublishedModel]) -> None:
    renamed = by_name["td-hm_scnet50_8xb32-210e_coco-384x288"]
    assert renamed.notes == ("its metafile calls it topdown_heatmap_scnet50_coco_384x288",)
    unpublished = by_name["cspnext-l_udp_8xb64-210e_coco-wholebody-256x192"]
    assert (unpublished.url, unpublished.dataset) == (None, "COCO-WholeBody")
    assert "no weights are published" in unpublished.notes[0]
    unchecked = by_name["td-hm_hrnet-w32_8xb64-210e_exlpose-256x192"]
    assert unchecked.url is not None
    assert unchecked.sha256_prefix is None
    assert "no checksum" in unchecked.notes[0]


def test_the_address_of_another_models_weights_is_not_taken(by_name: dict[str, PublishedModel]) -> None:
    model = by_name["td-hm_res101_8xb32-210e_coco-384x288"]
    assert (model.url, model.sha256_prefix) == (None, None)
    assert "weights of td-hm_res101_8xb64-210e_coco-256x192" in model.notes[0]
    addresses = [each.url for each in by_name.values() if each.url]
    assert len(set(addresses)) == len(addresses)


def test_metrics_of_further_data_sets_bear_their_names(by_name: dict[str, PublishedModel]) -> None:
    model = by_name["td-hm_ViTPose-base_8xb64-210e_humanart-256x192"]
    assert model.dataset == "COCO"
    assert model.ap is not None
    assert model.ap > model.metrics["AP (Human-Art)"]


def test_a_damaged_metafile_is_named(tmp_path: Path) -> None:
    (tmp_path / "model-index.yml").write_text("Import:\n- configs/a.yml\n")
    with pytest.raises(ConfigError, match=r"a\.yml cannot be read"):
        read_metafiles(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "a.yml").write_text("Models: [")
    with pytest.raises(ConfigError, match=r"a\.yml cannot be read"):
        read_metafiles(tmp_path)


def test_a_metafile_is_data_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "model-index.yml").write_text("!!python/object/apply:os.system ['true']\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        metafiles.read_metafiles(tmp_path)
