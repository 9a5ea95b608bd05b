from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models import openmmlab
from fo_pose_plugin.models.building import drop_pretrained
from fo_pose_plugin.models.configs import from_json, pose_metainfo, read_config, to_json

HRNET = "mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py"
PLAIN = """
model = dict(type="TopdownPoseEstimator", head=dict(out_channels=17, deconv=(4, 4)))
test_pipeline_steps = [dict(type="A")]
test_dataloader = dict(
    batch_size=32, dataset=dict(type="CocoDataset", data_root="/data", pipeline=test_pipeline_steps)
)
train_pipeline = [dict(type=print)]
"""


def wheel() -> Path:
    spec = importlib.util.find_spec("mmpose")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / ".mim" / "configs"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestReading:
    def test_only_what_a_network_needs_is_kept(self, tmp_path: Path) -> None:
        assert read_config(write(tmp_path / "a.py", PLAIN)) == {
            "model": {"type": "TopdownPoseEstimator", "head": {"out_channels": 17, "deconv": (4, 4)}},
            "test_dataloader": {"dataset": {"type": "CocoDataset", "pipeline": [{"type": "A"}]}},
        }

    def test_plain_types_come_back_and_keep_through_json(self) -> None:
        config = read_config(HRNET)
        assert type(config) is type(config["model"]) is dict
        assert config["codec"]["input_size"] == (192, 256)
        assert type(config["codec"]["input_size"]) is tuple
        assert config["model"]["head"]["decoder"]["type"] == "MSRAHeatmap"
        assert from_json(to_json(config)) == config

    def test_bases_are_resolved_from_the_folder_and_from_mmpose(self, tmp_path: Path) -> None:
        write(tmp_path / "base" / "b.py", f'_base_ = "{HRNET}"\nmodel = dict(head=dict(out_channels=5))\n')
        config = read_config(write(tmp_path / "a.py", '_base_ = ["./base/b.py"]\nmodel = dict(neck=None)\n'))
        original = read_config(HRNET)
        assert config["model"]["head"]["out_channels"] == 5
        assert config["model"]["neck"] is None
        assert config["model"]["backbone"] == original["model"]["backbone"]
        assert pose_metainfo(config) == pose_metainfo(original)

    def test_a_relative_path_and_the_home_folder_are_understood(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path / "a.py", PLAIN)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert read_config("a.py") == read_config("~/a.py") == read_config(Path("a.py"))

    def test_configs_in_the_new_style_name_classes_by_text(self, tmp_path: Path) -> None:
        write(
            tmp_path / "b.py",
            "from mmpose.datasets.transforms import TopdownAffine\n"
            "test_dataloader = dict(dataset=dict(type='CocoDataset', pipeline=[dict(type=TopdownAffine)]))\n",
        )
        path = write(
            tmp_path / "a.py",
            "from mmengine.config import read_base\n"
            "from mmpose.models import TopdownPoseEstimator\n"
            "with read_base():\n    from .b import *\n"
            "model = dict(type=TopdownPoseEstimator, size=(1, 2))\n",
        )
        config = read_config(path)
        assert config["model"] == {"type": "mmpose.models.TopdownPoseEstimator", "size": (1, 2)}
        pipeline = config["test_dataloader"]["dataset"]["pipeline"]
        assert pipeline == [{"type": "mmpose.datasets.transforms.TopdownAffine"}]
        assert pose_metainfo(config)["keypoint_count"] == 17

    def test_a_detectors_config_is_read(self, shared_data: Path) -> None:
        for path in (
            "mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
            shared_data / "models/yolox_nano_coco.py",
        ):
            config = read_config(path)
            assert config["default_scope"] == "mmdet"
            assert config["test_dataloader"]["dataset"]["pipeline"]

    def test_the_validation_set_stands_in_for_a_missing_test_set(self, tmp_path: Path) -> None:
        config = read_config(write(tmp_path / "a.py", PLAIN.replace("test_dataloader", "val_dataloader")))
        assert "test_dataloader" not in config
        assert pose_metainfo(config)["name"] == "coco"

    def test_the_former_name_of_a_package_is_brought_up_to_date(self) -> None:
        folder = "mmpose::body_2d_keypoint/topdown_heatmap"
        former = read_config(f"{folder}/humanart/td-hm_ViTPose-huge_8xb64-210e_humanart-256x192.py")
        today = read_config(f"{folder}/coco/td-hm_ViTPose-huge_8xb64-210e_coco-256x192.py")
        assert today["model"]["backbone"]["type"] == "mmpretrain.VisionTransformer"
        for config in (former, today):
            drop_pretrained(config["model"])
        assert former["model"] == today["model"]

    def test_the_shared_models_are_read(self, shared_data: Path) -> None:
        for name, count in [("coco-256x192", 17), ("coco-128x96", 17), ("coco-wholebody-256x192", 133)]:
            config = read_config(shared_data / "models" / f"td-hm_tinypose_{name}.py")
            assert pose_metainfo(config)["keypoint_count"] == config["model"]["head"]["out_channels"] == count


# mmengine leaves its copy of a config open when that fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestFaults:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("model = dict(", "is not valid Python"),
            ("x = 1", "has no model"),
            ("model = 3", "has no model"),
            ("model = dict(type=Nothing)", "fails: NameError: name 'Nothing' is not defined"),
            ("model = dict(a=1 / 0)", "fails: ZeroDivisionError"),
            ("_base_ = 'none.py'\nmodel = dict()", r"there is no config .*none\.py"),
            ("_base_ = 'a.py'\nmodel = dict()", r"the config .*a\.py is based on itself"),
            ("_base_ = 5\nmodel = dict()", r"a\.py:1 has a _base_ that is no path"),
            ("_base_ = ['b' + 'c']\nmodel = dict()", r"a\.py:1 computes _base_: write the paths out"),
            ("_base_ = 'mmpose::none.py'\nmodel = dict()", "fails: "),
            (
                "_base_ = 'elsewhere::a.py'\nmodel = dict()",
                "a config of the package 'elsewhere', which is none",
            ),
            ("model = dict(type=len)", r"cannot be kept: config\.model\.type is a builtin_function"),
            ("model = dict()\ncustom_imports = 3", "has custom_imports 3, expected"),
            ("model = dict()\ncustom_imports = dict(imports=[3])", "expected dict"),
        ],
    )
    def test_a_faulty_config_is_named_with_its_fault(self, tmp_path: Path, text: str, message: str) -> None:
        path = write(tmp_path / "a.py", text)
        with pytest.raises(ConfigError, match=message) as caught:
            read_config(path)
        assert str(tmp_path) in str(caught.value)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("none.py", "there is no config"),
            ("folder.py", "cannot be read: Is a directory"),
            ("a.yaml", r"is no \.py file"),
            ("binary.py", "is not valid Python"),
            ("mmpose::none.py", r"there is no config .*none\.py"),
            ("os::path.py", "expected mmpose:: or mmdet:: before the two colons, got 'os'"),
            ("::a.py", "expected mmpose:: or mmdet::"),
        ],
    )
    def test_a_path_that_is_no_config_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
    ) -> None:
        (tmp_path / "folder.py").mkdir()
        (tmp_path / "binary.py").write_bytes(b"\x00\xff")
        write(tmp_path / "a.yaml", "model: !!python/object/apply:os.system [exit]")
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError, match=message):
            read_config(path)


MORE_THAN_DATA = {
    "import os\nos.system('touch ran')": r"a\.py:\d+ imports os",
    "import os.path as p, mmengine": r"imports os\.path",
    "from subprocess import run\nrun(['touch', 'ran'])": "imports from subprocess",
    "__import__('os').system('touch ran')": r"calls __import__\('os'\)\.system\(\)",
    "open('ran', 'w')": r"calls open\(\)",
    'x = eval(\'open("ran", "w")\')': r"calls eval\(\)",
    "x = [f() for f in [lambda: open('ran', 'w')]]": r"calls f\(\)",
    "x = ().__class__.__base__.__subclasses__()": r"calls .*__subclasses__\(\)|reaches for",
    "x = ().__class__": r"reaches for \.__class__",
    "x = __builtins__['open']\ny = x('ran', 'w')": "reaches for __builtins__|calls x",
    "from mmengine import load\nx = load('ran.json')": r"calls load\(\)",
    "import torch\nx = torch.hub.load('a/b', 'c')": r"calls torch\.hub\.load\(\)",
}


class TestExecution:
    @pytest.mark.parametrize("where", ["config", "base", "new-style base", "metainfo"])
    @pytest.mark.parametrize("text", MORE_THAN_DATA)
    def test_more_than_data_is_refused_and_not_executed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, where: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        path, message = tmp_path / "config.py", MORE_THAN_DATA[text]
        write(tmp_path / "a.py", text + PLAIN)
        if where == "config":
            path = tmp_path / "a.py"
        elif where == "base":
            write(path, "_base_ = ['./a.py']")
        elif where == "new-style base":
            write(path, "from mmengine.config import read_base\nwith read_base():\n    from .a import *\n")
        else:
            write(path, PLAIN.replace('type="CocoDataset"', 'metainfo=dict(from_file="a.py")'))
        with pytest.raises(ConfigError, match=message) as caught:
            read_config(path)
        assert "--allow-custom-imports" in str(caught.value)
        assert not (tmp_path / "ran").exists()

    def test_it_is_executed_once_and_its_data_never(self, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        text = f"with_file = open({str(ran)!r}, 'a').write('x')\n"
        config = read_config(write(tmp_path / "a.py", text + PLAIN), allow_custom_imports=True)
        assert ran.read_text() == "x"
        pose_metainfo(from_json(to_json(config)))
        assert ran.read_text() == "x"

    def test_custom_imports_need_the_word(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ran = tmp_path / "ran"
        write(tmp_path / "my_layers_for_a_test.py", f"open({str(ran)!r}, 'a').write('x')")
        monkeypatch.syspath_prepend(str(tmp_path))
        stated = 'custom_imports = dict(imports=["my_layers_for_a_test"], allow_failed_imports=False)\n'
        path = write(tmp_path / "a.py", stated + PLAIN)
        with pytest.raises(ConfigError, match=r"has custom_imports \(my_layers_for_a_test\): these modules"):
            read_config(path)
        assert not ran.exists()
        config = read_config(path, allow_custom_imports=True)
        assert ran.exists()
        assert config["custom_imports"] == {
            "imports": ["my_layers_for_a_test"],
            "allow_failed_imports": False,
        }

    def test_a_custom_module_that_is_missing_is_named(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.py", 'custom_imports = dict(imports=["no_such_layers"])\n' + PLAIN)
        with pytest.raises(ConfigError, match="no_such_layers"):
            read_config(path, allow_custom_imports=True)

    def test_custom_imports_of_openmmlabs_own_need_no_word(self) -> None:
        config = read_config(
            "mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_ViTPose-small_8xb64-210e_coco-256x192.py"
        )
        assert "custom_imports" not in config


# K, and two edges and one mirrored pair by name, as the data sets' own pages have them.
DATASETS: dict[str, tuple[int, list[tuple[str, str]], tuple[str, str]]] = {
    "coco": (17, [("left_wrist", "left_elbow"), ("left_hip", "right_hip")], ("left_eye", "right_eye")),
    "coco_wholebody": (
        133,
        [("left_ankle", "left_big_toe"), ("left_hand_root", "left_thumb1")],
        ("left_pinky_finger4", "right_pinky_finger4"),
    ),
    "mpii": (16, [("pelvis", "thorax"), ("right_ankle", "right_knee")], ("left_wrist", "right_wrist")),
    "crowdpose": (14, [("top_head", "neck"), ("left_hip", "left_knee")], ("left_ankle", "right_ankle")),
    "jhmdb": (15, [("neck", "belly"), ("left_knee", "left_ankle")], ("left_hip", "right_hip")),
    "aic": (14, [("head_top", "neck"), ("left_hip", "left_knee")], ("left_elbow", "right_elbow")),
    "ochuman": (17, [("left_hip", "right_hip"), ("nose", "left_eye")], ("left_ear", "right_ear")),
    "posetrack18": (17, [("nose", "head_bottom"), ("left_knee", "left_ankle")], ("left_hip", "right_hip")),
    "halpe": (136, [("head", "neck"), ("left_ankle", "left_big_toe")], ("left_heel", "right_heel")),
    "halpe26": (26, [("head", "neck"), ("hip", "neck")], ("left_heel", "right_heel")),
    "humanart": (17, [("left_hip", "right_hip"), ("nose", "left_eye")], ("left_ear", "right_ear")),
    "coco_wholebody_hand": (21, [("wrist", "thumb1"), ("thumb3", "thumb4")], ("wrist", "wrist")),
    "coco_wholebody_face": (68, [], ("face-0", "face-16")),
    "ap10k": (17, [("L_Eye", "R_Eye"), ("Neck", "Root of tail")], ("L_F_Paw", "R_F_Paw")),
    "animalpose": (20, [("L_Eye", "R_Eye"), ("L_Eye", "L_EarBase")], ("L_F_Paw", "R_F_Paw")),
}  # fmt: skip


class TestMetainfo:
    @pytest.mark.parametrize("name", DATASETS)
    def test_keypoints_and_skeleton_are_those_of_the_data_set(self, tmp_path: Path, name: str) -> None:
        count, edges, mirrored = DATASETS[name]
        stated = f'metainfo=dict(from_file="configs/_base_/datasets/{name}.py")'
        config = read_config(write(tmp_path / "a.py", PLAIN.replace('type="CocoDataset"', stated)))
        metainfo = pose_metainfo(from_json(to_json(config)))
        names = metainfo["keypoint_names"]
        assert metainfo["keypoint_count"] == len(names) == len(set(names)) == count
        named = {frozenset((names[a], names[b])) for a, b in metainfo["edges"]}
        assert {frozenset(edge) for edge in edges} <= named
        flip = metainfo["flip_indices"]
        assert names[flip[names.index(mirrored[0])]] == mirrored[1]
        assert [flip[index] for index in flip] == list(range(count))
        self.assert_equal_to_mmposes(metainfo, name)

    @staticmethod
    def assert_equal_to_mmposes(metainfo: dict[str, Any], name: str) -> None:
        with openmmlab.quiet():
            from mmpose.datasets.datasets.utils import parse_pose_metainfo

            theirs = parse_pose_metainfo({"from_file": str(wheel() / "_base_" / "datasets" / f"{name}.py")})
        assert metainfo["name"] == theirs["dataset_name"]
        assert metainfo["keypoint_names"] == list(theirs["keypoint_id2name"].values())
        assert [tuple(edge) for edge in metainfo["edges"]] == [
            tuple(link) for link in theirs["skeleton_links"]
        ]
        assert metainfo["flip_indices"] == theirs["flip_indices"]
        assert (metainfo["sigmas"] or []) == pytest.approx(theirs["sigmas"].tolist())

    def test_a_data_sets_file_beside_or_above_the_config_comes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def info(name: str) -> str:
            return f"""dataset_info = dict(
    dataset_name={name!r}, sigmas=[], joint_weights=[1, 1],
    keypoint_info={{1: dict(name="tail", swap=""), 0: dict(name="nose")}},
    skeleton_info={{0: dict(link=("nose", "tail"))}},
)"""

        stated = "configs/_base_/datasets/coco.py"
        write(tmp_path / "cwd" / stated, info("of the working directory"))
        write(tmp_path / "project" / stated, info("of the project"))
        text = PLAIN.replace('type="CocoDataset"', f'metainfo=dict(from_file="{stated}")')
        path = write(tmp_path / "project" / "configs" / "mine" / "a.py", text)
        outside = write(tmp_path / "other" / "a.py", text)
        monkeypatch.chdir(tmp_path / "cwd")
        assert pose_metainfo(read_config(path)) == {
            "name": "of the project",
            "keypoint_count": 2,
            "keypoint_names": ["nose", "tail"],
            "edges": [[0, 1]],
            "flip_indices": [0, 1],
            "sigmas": None,
        }
        assert pose_metainfo(read_config(outside))["name"] == "coco"

    def test_a_data_sets_file_that_is_nowhere_is_named(self, tmp_path: Path) -> None:
        text = PLAIN.replace('type="CocoDataset"', 'metainfo=dict(from_file="mine/horses.py")')
        with pytest.raises(
            ConfigError, match=r"'mine/horses\.py' is neither beside the config, nor above it"
        ):
            read_config(write(tmp_path / "a.py", text))

    def test_wrapped_data_sets_are_looked_into(self, tmp_path: Path) -> None:
        wrapped = 'type="CombinedDataset", datasets=[dict(type="MpiiDataset", ann_file="x.json")]'
        config = read_config(write(tmp_path / "a.py", PLAIN.replace('type="CocoDataset"', wrapped)))
        assert config["test_dataloader"]["dataset"]["datasets"] == [{"type": "MpiiDataset"}]
        assert pose_metainfo(config)["keypoint_count"] == 16

    INFO = {
        "dataset_name": "mine",
        "keypoint_info": {0: {"name": "a", "swap": "b"}, 1: {"name": "b", "swap": "a"}},
        "skeleton_info": {0: {"link": ("a", "b")}},
        "sigmas": [0.1, 0.2],
    }

    def test_a_data_set_whose_keypoints_depend_on_the_subset(self) -> None:
        dataset = {"type": "DeepFashionDataset", "subset": "lower"}
        info = pose_metainfo({"test_dataloader": {"dataset": dataset}})
        assert (info["name"], info["keypoint_count"]) == ("deepfashion_lower", 4)

    def test_metainfo_in_the_config_needs_no_file(self) -> None:
        config = {"test_dataloader": {"dataset": {"metainfo": self.INFO}}}
        assert pose_metainfo(config)["flip_indices"] == [1, 0]
        assert pose_metainfo(config)["sigmas"] == [0.1, 0.2]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sigmas": [0.1]}, "'mine' has 2 keypoints but 1 sigmas"),
            ({"skeleton_info": {0: {"link": ("a", "c")}}}, "incomplete: KeyError 'c'"),
            ({"keypoint_info": {0: {"name": "a", "swap": "z"}}}, "incomplete: KeyError"),
            ({"keypoint_info": {0: {"name": "a"}, 1: {"name": "a"}}, "skeleton_info": {}}, "or share a name"),
            ({"keypoint_info": {1: {"name": "a"}, 2: {"name": "b"}}}, "are not numbered from 0 on"),
            ({"keypoint_info": [1]}, "incomplete: AttributeError"),
            ({"dataset_info": 1, "keypoint_info": None}, "incomplete"),
        ],
    )
    def test_faulty_metainfo_is_named(self, changes: dict[str, Any], message: str) -> None:
        config = {"test_dataloader": {"dataset": {"metainfo": {**self.INFO, **changes}}}}
        with pytest.raises(ConfigError, match=message):
            pose_metainfo(config)

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"model": {}}, r"no test_dataloader\.dataset"),
            ({"test_dataloader": {"dataset": {"pipeline": []}}}, r"no test_dataloader\.dataset"),
            ({"test_dataloader": {"dataset": {"type": "NoSuchDataset"}}}, "'NoSuchDataset' is unknown"),
            ({"test_dataloader": {"dataset": {"type": "DeepFashionDataset"}}}, "has no metainfo"),
        ],
    )
    def test_a_config_without_a_data_set_is_named(self, config: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            pose_metainfo(config)


@pytest.mark.slow
def test_every_heatmap_config_of_mmpose_is_read() -> None:
    counts: Counter[int] = Counter()
    for task in ("body", "wholebody"):
        for path in sorted((wheel() / f"{task}_2d_keypoint" / "topdown_heatmap").rglob("*.py")):
            config = read_config(path)
            assert from_json(to_json(config)) == config
            counts[pose_metainfo(config)["keypoint_count"]] += 1
    assert counts == {17: 127, 16: 25, 15: 9, 14: 9, 133: 19}
