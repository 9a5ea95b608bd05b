from __future__ import annotations

import shutil

import pytest

from fo_pose_plugin import cli
from tests.known_models import KNOWN, known_models, weights_server, without_mmpretrain
from tests.tiny_models import write_tiny_model
from tests.weights_server import Answer

__all__ = ["known_models", "weights_server", "without_mmpretrain"]


@pytest.fixture
def own_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), "CocoDataset", 17, 0)


def rows(out):
    """Give the table's rows by name, cells without the space between them."""
    lines = [line.split("  ") for line in out.splitlines()]
    return {cells[0]: [cell.strip() for cell in cells[1:] if cell.strip()] for cells in lines}


def test_nothing_is_here_yet(own_registry, capsys):
    for kind in ("models", "detectors"):
        assert cli.main([kind, "list"]) == 0
        none, more = capsys.readouterr().out.splitlines()
        assert "are here yet" in none
        assert f"{kind} add NAME CONFIG CHECKPOINT" in none
        assert "more are known" in more
        assert f"{kind} list --all" in more


def test_all_that_is_known_is_listed_with_what_it_costs(own_registry, capsys):
    assert cli.main(["models", "list", "--all"]) == 0
    listed = rows(capsys.readouterr().out)
    assert listed["name"] == ["task", "keypoints", "input", "published AP", "speed", "weights"]
    task, keypoints, size, ap, speed, weights = listed["td-hm_hrnet-w32_8xb64-210e_coco-256x192"]
    assert (task, keypoints, size, ap) == ("body", "17", "192x256", "0.746 COCO")
    assert speed in ("fast", "medium", "slow")
    assert weights.endswith(" MB to download")
    assert len(listed) > 200
    assert listed["td-hm_res50_3xb64-210e_deepfasion2-shorts-256x192"][0].startswith("cannot be used: ")
    assert cli.main(["models", "list", "--all", "--task", "hand"]) == 0
    hands = rows(capsys.readouterr().out)
    assert {row[0] for name, row in hands.items() if name != "name"} == {"hand"}
    assert 10 < len(hands) < 30
    assert cli.main(["detectors", "list", "--all"]) == 0
    listed = rows(capsys.readouterr().out)
    assert listed["rtmdet-m-person"][:2] == ["people", "62.5"]


def test_a_model_is_added_listed_replaced_and_removed(own_registry, tiny_model, capsys):
    config, checkpoint = map(str, tiny_model)
    assert cli.main(["models", "add", "tiny", config, checkpoint]) == 0
    assert capsys.readouterr().out == "added tiny: body: 17 keypoints, 64x64 input\n"
    assert cli.main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert rows(out)["tiny"] == ["body", "17", "64x64", checkpoint]
    assert "more are known" in out
    assert cli.main(["models", "add", "tiny", config, checkpoint]) == 1
    assert "there is a model 'tiny' already" in capsys.readouterr().err
    assert cli.main(["models", "add", "tiny", config, checkpoint, "--overwrite"]) == 0
    capsys.readouterr()
    assert cli.main(["models", "remove", "tiny"]) == 0
    assert capsys.readouterr().out == f"removed tiny; its weights are where they were: {checkpoint}\n"
    assert cli.main(["models", "remove", "tiny"]) == 1
    assert "there is no model 'tiny'" in capsys.readouterr().err


def test_ones_own_weights_are_never_deleted(own_registry, tiny_model, capsys):
    config, checkpoint = map(str, tiny_model)
    assert cli.main(["models", "add", "tiny", config, checkpoint]) == 0
    assert cli.main(["models", "remove", "tiny", "--weights"]) == 0
    assert f"its weights {checkpoint} were kept: it was not downloaded" in capsys.readouterr().out
    assert tiny_model[1].is_file()


def test_a_model_is_downloaded_listed_and_removed_with_its_weights(known_models, capsys):
    known_models()
    known_models("second")
    assert cli.main(["models", "list"]) == 0
    assert "2 more are known" in capsys.readouterr().out
    assert cli.main(["models", "download", KNOWN, "second"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{KNOWN}: body: 17 keypoints, 64x64 input; ")
    assert out.rstrip().endswith("second.pth")
    assert cli.main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert rows(out)["second"][3:5] == ["0.700 COCO", "fast"]
    assert "more are known" not in out
    assert cli.main(["models", "remove", "second"]) == 0
    assert cli.main(["models", "list"]) == 0
    assert rows(capsys.readouterr().out)["second"][-1] == "here"
    assert cli.main(["models", "remove", "second", "--weights"]) == 0
    assert "removed second, and its weights " in capsys.readouterr().out
    assert cli.main(["models", "remove", "second"]) == 1
    assert "nothing of the model 'second' is here" in capsys.readouterr().err


def test_a_download_that_fails_says_what_to_put_where(known_models, weights_server, capsys):
    known_models()
    weights_server.default = Answer(status=404)
    assert cli.main(["models", "download", KNOWN]) == 1
    err = capsys.readouterr().err
    assert f"fo-pose: {KNOWN}.pth could not be downloaded. Put it into " in err
    assert "HTTP 404 Not Found" in err
    assert cli.main(["models", "download", "nobody"]) == 1
    assert "there is no model 'nobody'" in capsys.readouterr().err


def test_what_cannot_be_used_says_why(known_models, without_mmpretrain, capsys):
    known_models("broken", problem="its parts contradict each other")
    known_models("needy", needs="mmpretrain")
    assert cli.main(["models", "list", "--all"]) == 0
    listed = rows(capsys.readouterr().out)
    assert listed["broken"][-1] == "cannot be used: its parts contradict each other"
    assert listed["needy"][-1] == "1 MB to download; needs mmpretrain, which is not installed"
    assert cli.main(["models", "download", "needy"]) == 1
    assert "--extra vitpose" in capsys.readouterr().err


def test_weights_that_are_gone_are_marked(own_registry, tiny_model, capsys):
    config, checkpoint = tiny_model
    moved = shutil.copy(checkpoint, own_registry / "moved.pth")
    assert cli.main(["models", "add", "tiny", str(config), str(moved)]) == 0
    moved.unlink()
    capsys.readouterr()
    assert cli.main(["models", "list"]) == 0
    assert "moved.pth (not there any more)" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["models", "detectors"])
def test_what_is_no_model_is_refused_in_words(kind, own_registry, tiny_model, capsys):
    config, _ = tiny_model
    broken = own_registry / "broken.pth"
    broken.write_bytes(b"no weights")
    assert cli.main([kind, "add", "x", str(config), str(own_registry / "absent.pth")]) == 1
    assert cli.main([kind, "add", "x", str(own_registry / "absent.py"), str(broken)]) == 1
    assert cli.main([kind, "add", "x", str(config), str(broken)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == err.count("fo-pose: ") == 3


def test_a_config_that_imports_needs_leave(own_registry, tiny_model, monkeypatch, capsys):
    config, checkpoint = tiny_model
    (own_registry / "own_parts_of_a_model.py").write_text("SEEN = True\n")
    monkeypatch.syspath_prepend(str(own_registry))
    own = own_registry / "own.py"
    own.write_text(config.read_text() + "\ncustom_imports = dict(imports=['own_parts_of_a_model'])\n")
    command = ["models", "add", "own", str(own), str(checkpoint)]
    assert cli.main(command) == 1
    assert "own_parts_of_a_model" in capsys.readouterr().err
    assert cli.main([*command, "--allow-custom-imports"]) == 0


def test_a_detector_is_added_and_listed(own_registry, shared_data, capsys):
    models = shared_data / "models"
    command = [
        "detectors",
        "add",
        "nano",
        str(models / "yolox_nano_coco.py"),
        str(models / "yolox_nano_coco.pth"),
    ]
    assert cli.main(command) == 0
    assert cli.main(["detectors", "list"]) == 0
    out = capsys.readouterr().out
    assert "added nano: detects people" in out
    assert rows(out)["nano"] == ["80", str(models / "yolox_nano_coco.pth")]
    assert cli.main(["detectors", "remove", "nano"]) == 0
