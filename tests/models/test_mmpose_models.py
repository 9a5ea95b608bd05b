"""The catalogue of MMPose's models: what is committed is what the wheel gives, and the models run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import check_models, model_catalogue
from benchmarks.models_page import page
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models import mmpose_models, registry
from fo_pose_plugin.models.configs import pose_metainfo, read_config
from fo_pose_plugin.models.metafiles import read_metafiles
from fo_pose_plugin.models.mmdet_detectors import all_detectors
from fo_pose_plugin.models.mmpose_models import all_cards, speed_of, task_of
from fo_pose_plugin.models.pose_network import NetworkSpec
from tests.mmpose_skeletons import mmpose_skeleton

REPOSITORY = Path(__file__).resolve().parents[2]
COCO = "mmpose::body_2d_keypoint/topdown_heatmap/coco"
# Every head, every codec, both affines, several data sets at once, an optional package, every task.
VARIED = (
    "td-hm_litehrnet-18_8xb64-210e_coco-256x192",
    "td-hm_vipnas-mbv3_8xb64-210e_coco-256x192",
    "td-hm_cpm_8xb32-40e_jhmdb-sub1-368x368",
    "td-hm_mspn50_8xb32-210e_coco-256x192",
    "td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge",
    "td-hm_res50_dark-8xb64-210e_coco-256x192",
    "td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192",
    "td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192",
    "td-hm_ViTPose-small_8xb64-210e_coco-256x192",
    "td-hm_swin-t-p4-w7_8xb32-210e_coco-256x192",
    "td-hm_vipnas-mbv3_8xb64-210e_coco-wholebody-256x192",
    "cspnext-l_udp_8xb64-210e_coco-wholebody-256x192",
    "td-hm_mobilenetv2_8xb32-60e_coco-wholebody-face-256x256",
    "td-hm_mobilenetv2_8xb32-210e_coco-wholebody-hand-256x256",
    "td-hm_res50_8xb64-210e_ap10k-256x256",
    "td-hm_res50_8xb64-210e_deepfashion_upper-256x192",
)


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The committed file."""
    content: dict[str, Any] = json.loads(mmpose_models.PATH.read_text(encoding="utf-8"))
    return content


def test_every_body_and_whole_body_model_passes() -> None:
    people = [card for card in all_cards().values() if card.task in {"body", "wholebody"}]
    assert Counter(card.task for card in people) == {"body": 170, "wholebody": 19}
    assert [card.name for card in people if card.problem] == []
    assert {len(card.network.skeleton) for card in people if card.network} == {14, 15, 16, 17, 133}
    assert all(card.parameters_m > 0 and card.gflops > 0 and card.size_mb > 0 for card in people)


def test_models_that_cannot_be_used_say_why() -> None:
    broken = {card.name: card for card in all_cards().values() if card.problem}
    assert all(card.dataset == "DeepFashion2" for card in broken.values())
    assert len(broken) == 13
    assert all("mirroring twice is not the identity" in str(card.problem) for card in broken.values())


def test_a_card_says_what_is_known() -> None:
    card = all_cards()["td-hm_ViTPose-base_8xb64-210e_coco-256x192"]
    assert (card.task, card.dataset, card.ap, card.needs) == ("body", "COCO", 0.757, "mmpretrain")
    assert card.config == f"{COCO}/{card.name}.py"
    assert card.url is not None
    assert card.file_name == card.url.split("/")[-1]
    assert card.sha256_prefix == "216eae50"
    assert (card.parameters_m, card.gflops, card.speed) == (90.0, 18.5, "slow")
    assert card.network is not None
    assert card.network.codec.kind == "udp"
    assert repr(card) == f"ModelCard({card.name!r}, 'body', ap=0.757)"


def test_six_models_pair_a_udp_codec_with_the_plain_affine() -> None:
    networks = [card.network for card in all_cards().values() if card.network]
    mixed = [network.codec.kind.startswith("udp") != network.udp_affine for network in networks]
    assert sum(mixed) == 6


def test_twelve_models_need_mmpretrain() -> None:
    needing = [card for card in all_cards().values() if card.needs]
    assert len(needing) == 12
    assert {card.needs for card in needing} == {"mmpretrain"}
    assert all("ViTPose" in card.name for card in needing)


def test_the_committed_file_is_what_the_wheels_metafiles_give(committed: dict[str, Any]) -> None:
    metafiles = read_metafiles()
    stated = {item["name"]: item for item in committed["models"]}
    assert list(stated) == [model.name for model in metafiles.models]
    for model in metafiles.models:
        entry = model_catalogue.entry_of(model)
        assert {key: stated[model.name][key] for key in entry} == entry
    assert committed["left_out"] == model_catalogue.left_out_of(metafiles)
    assert mmpose_models.PATH.stat().st_size < 250_000


@pytest.mark.parametrize("name", VARIED)
def test_a_cards_network_is_what_the_whole_config_says(name: str) -> None:
    card = all_cards()[name]
    config = read_config(card.config)
    assert card.network == NetworkSpec.from_config(config, pose_metainfo(config))


@pytest.mark.slow
def test_the_committed_file_is_what_all_of_the_wheel_gives() -> None:
    made = model_catalogue.make_catalogue(check_models.measured_before())
    assert model_catalogue.to_text(made) == mmpose_models.PATH.read_text(encoding="utf-8")


def test_the_page_is_made_of_the_committed_file(committed: dict[str, Any]) -> None:
    stated = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    assert page(all_cards(), all_detectors(), committed) == stated


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_models_of_every_kind_are_built_and_predict() -> None:
    picture = check_models.picture()
    kinds = set()
    for name in VARIED:
        card = all_cards()[name]
        found = check_models.check_model(card.config, picture)
        assert found == {key: getattr(card, key) for key in check_models.MEASURED}, name
        assert card.network is not None
        kinds.add(card.network.codec.kind)
    assert kinds == {"msra", "dark", "udp", "udp_combined", "megvii"}


def test_reading_the_cards_imports_nothing_heavy_and_is_quick() -> None:
    code = (
        "import sys, time\n"
        "from fo_pose_plugin.models import catalog\n"
        "began = time.perf_counter()\n"
        "assert len(catalog.list_models()) > 250\n"
        "took = time.perf_counter() - began\n"
        "print({'torch', 'fiftyone', 'mmengine', 'mmpose', 'yaml'} & set(sys.modules), took < 2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set() True\n"


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mmpose_models.json"
    monkeypatch.setattr(mmpose_models, "PATH", path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        all_cards.__wrapped__()
    for text in ("{", "[]", '{"models": [{}]}'):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"mmpose_models\.json is damaged"):
            all_cards.__wrapped__()


def test_every_name_can_be_registered() -> None:
    for name in all_cards():
        registry.check_name_is_free("model", name)


def test_speed_goes_by_the_work_for_one_person() -> None:
    assert [speed_of(gflops) for gflops in (0.2, 2.5, 2.6, 12.0, 12.1)] == [
        "fast",
        "fast",
        "medium",
        "medium",
        "slow",
    ]


@pytest.mark.parametrize(
    ("data_set", "task"),
    [
        ("coco", "body"),
        ("aic", "body"),
        ("h36m", "body"),
        ("halpe26", "body"),
        ("coco_wholebody", "wholebody"),
        ("halpe", "wholebody"),
        ("onehand10k", "hand"),
        ("interhand3d", "hand"),
        ("coco_wholebody_face", "face"),
        ("wflw", "face"),
        ("ap10k", "animal"),
        ("ak", "animal"),
        ("macaque", "animal"),
        ("locust", "animal"),
        ("deepfashion_full", "other"),
    ],
)
def test_the_task_is_told_by_the_keypoints(data_set: str, task: str) -> None:
    assert task_of(mmpose_skeleton(data_set)) == task


def test_an_unknown_animal_is_told_by_its_limbs() -> None:
    names = ("nose", "left_wrist", "left_ankle", "tail_base")
    assert task_of(Skeleton("mine", names, (), (0, 1, 2, 3))) == "animal"


def test_the_tasks_of_all_cards_agree_with_their_keypoints() -> None:
    for card in all_cards().values():
        if card.network is not None:
            assert task_of(card.network.skeleton) == card.task, card.name
