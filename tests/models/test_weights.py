from __future__ import annotations

import collections
import hashlib
import os
import pickle
import random
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fo_pose_plugin.errors import CheckpointError
from fo_pose_plugin.models.weights import load_into, load_state_dict, sha256_of


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)


FORMS: dict[str, Any] = {
    "bare": lambda state: state,
    "published": lambda state: {"meta": {"mmpose_version": "1.0"}, "state_dict": state},
    "parallel": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "with arrays": lambda state: {
        "meta": {"sigmas": np.arange(17.0), "best": np.float64(0.7), "ids": np.arange(3), "names": {"nose"}},
        "state_dict": state,
    },
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_checkpoint_gives_the_same_tensors(tmp_path: Path, form: str, zipped: bool) -> None:
    state = network().state_dict()
    path = tmp_path / "weights.pth"
    torch.save(FORMS[form](state), path, _use_new_zipfile_serialization=zipped)
    assert_same(load_state_dict(path), state)
    assert_same(load_state_dict(str(path)), state)


TRAIN = """
import sys, torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def forward(self, inputs, mode="loss"):
        return {"loss": self.layer(torch.stack(inputs)).square().mean()}

samples = [dict(inputs=torch.ones(2))] * 4
data = dict(dataset=samples, batch_size=2, sampler=dict(type="DefaultSampler", shuffle=False))
runner = Runner(
    Model(), sys.argv[1], data, train_cfg=dict(by_epoch=True, max_epochs=1),
    optim_wrapper=dict(optimizer=dict(type="Adam", lr=.01)),
    param_scheduler=dict(type="MultiStepLR", milestones=[1]),
    default_hooks=dict(checkpoint=dict(type="CheckpointHook"), logger=dict(type="LoggerHook", interval=1)),
)
runner.train()
torch.save(runner.model.state_dict(), sys.argv[1] + "/expected.pth")
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``epoch_1.pth`` as mmengine's Runner writes it, optimizer, logs and all."""
    folder = tmp_path_factory.mktemp("trained")
    command = [sys.executable, "-W", "ignore", "-c", TRAIN, str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert process.returncode == 0, process.stderr
    return folder


def test_a_training_checkpoint_of_mmengine_gives_its_weights(trained: Path) -> None:
    path = trained / "epoch_1.pth"
    with pytest.raises(pickle.UnpicklingError):  # so the stand-ins are needed
        torch.load(path, weights_only=True)
    assert_same(load_state_dict(path), load_state_dict(trained / "expected.pth"))


def rewrite(source: Path, target: Path, edit: Callable[[bytes], bytes]) -> None:
    """Copy a checkpoint with another pickle in it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, edit(content) if name.endswith("data.pkl") else content)


def test_names_of_numpy_1_are_understood(trained: Path, tmp_path: Path) -> None:
    def as_numpy_1_wrote(pickled: bytes) -> bytes:
        assert b"numpy._core.multiarray\n" in pickled
        return pickled.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n")

    path = tmp_path / "numpy1.pth"
    rewrite(trained / "epoch_1.pth", path, as_numpy_1_wrote)
    assert_same(load_state_dict(path), load_state_dict(trained / "expected.pth"))


def test_checkpoints_are_read_from_many_threads(trained: Path) -> None:
    faults: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(5):
                load_state_dict(trained / "epoch_1.pth")
        except CheckpointError as error:
            faults.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_what_the_user_lets_torch_load_stays_as_it_was(trained: Path) -> None:
    with torch.serialization.safe_globals([np.ndarray, collections.Counter]):
        before = set(torch.serialization.get_safe_globals())
        load_state_dict(trained / "epoch_1.pth")
        assert set(torch.serialization.get_safe_globals()) == before
    # And what this package lets in does not stay in.
    with pytest.raises(pickle.UnpicklingError):
        torch.load(trained / "epoch_1.pth", weights_only=True)


class Runs:
    """Pickled, it is a call of ``os.system``."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def global_(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def text_(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def malicious(command: str) -> dict[str, bytes]:
    """Pickles that run a command in other ways than naming a function of ``os``."""
    getattr_ = global_("__builtin__", "getattr")
    reached = call(getattr_, global_("torch._utils", "_rebuild_tensor_v2"), text_("__globals__"))
    os_of_globals = call(call(getattr_, reached, text_("get")), text_("os"))
    return {
        "getattr, called": b"\x80\x02"
        + call(call(getattr_, os_of_globals, text_("system")), text_(command))
        + b".",
        "eval": b"\x80\x02"
        + call(global_("__builtin__", "eval"), text_(f"__import__('os').system({command!r})"))
        + b".",
        "dotted": b"\x80\x02" + call(global_("torch", "os.system"), text_(command)) + b".",
        "builtins": b"\x80\x02"
        + call(global_("builtins", "exec"), text_(f"import os; os.system({command!r})"))
        + b".",
    }


@pytest.mark.parametrize("place", ["state_dict", "meta", "object array"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_runs_a_command_is_refused_by_name(
    tmp_path: Path, zipped: bool, place: str
) -> None:
    ran = tmp_path / "ran"
    evil: Any = Runs(f"touch {ran}")
    content = {"state_dict": network().state_dict(), "meta": {}}
    content["meta" if place == "object array" else place] = (
        np.array([evil, None], dtype=object) if place == "object array" else evil
    )
    path = tmp_path / "evil.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"evil\.pth is refused: it asks for (\w+\.system|numpy\.dtypes\.Obj)"
    ) as caught:
        load_state_dict(path)
    assert "weights_only" not in str(caught.value)  # torch's own words advise to switch it off
    with pytest.raises(CheckpointError):
        load_into(network(), path)
    assert not ran.exists()


@pytest.mark.parametrize("form", ["bare", "in an archive"])
@pytest.mark.parametrize("kind", [*malicious(""), *[f"protocol {n}" for n in range(6)]])
def test_a_pickle_that_runs_a_command_is_refused(tmp_path: Path, kind: str, form: str) -> None:
    ran, path = tmp_path / "ran", tmp_path / "evil.pth"
    command = f"touch {ran}"
    is_protocol = kind.startswith("protocol")
    pickled = pickle.dumps(Runs(command), int(kind[-1])) if is_protocol else malicious(command)[kind]
    path.write_bytes(pickled)
    if form == "in an archive":
        torch.save({}, tmp_path / "plain.pth")
        rewrite(tmp_path / "plain.pth", path, lambda _: pickled)
    with pytest.raises(CheckpointError):
        load_state_dict(path)
    assert not ran.exists()
    # The other two run something only where a reader's list lets more in.
    if kind not in ("dotted", "getattr, called"):
        pickle.loads(pickled)
        assert ran.exists(), "the pickle under test runs nothing"


def test_getattr_in_a_checkpoint_reaches_nothing(tmp_path: Path) -> None:
    getattr_ = global_("__builtin__", "getattr")
    reached = call(getattr_, global_("torch", "FloatStorage"), text_("__init__"))
    torch.save({}, tmp_path / "plain.pth")
    path = tmp_path / "getattr.pth"
    rewrite(tmp_path / "plain.pth", path, lambda _: b"\x80\x02}" + text_("a") + reached + b"s.")
    with pytest.raises(CheckpointError, match="expected tensors by name, got NoneType at 'a'"):
        load_state_dict(path)


def saved(content: Any) -> Any:
    return lambda path: torch.save(content, path)


NO_CHECKPOINTS: dict[str, tuple[Any, str]] = {
    "missing": (lambda path: None, "there is no checkpoint .*: give the path"),
    "a directory": (lambda path: path.mkdir(), "is a directory, expected a checkpoint file"),
    "empty": (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\)"),
    "text": (lambda path: path.write_text("hello"), "is damaged, or no checkpoint"),
    "a web page": (lambda path: path.write_text("<!DOCTYPE html>"), "is damaged, or no checkpoint"),
    "another archive": (lambda path: zipfile.ZipFile(path, "w").close(), "is damaged, or no checkpoint"),
    "arrays": (lambda path: np.savez(path.open("wb"), a=np.ones(2)), "is damaged, or no checkpoint"),
    "a whole model": (saved(nn.Linear(2, 2)), r"refused: it asks for torch\.nn\.modules\.linear\.Linear,"),
    "one tensor": (saved(torch.ones(3)), "expected a state dict, got Tensor"),
    "nothing": (saved({}), "expected a state dict, got dict"),
    "no tensors": (saved({"epoch": 3}), "expected tensors by name, got int at 'epoch'"),
    "numbers as names": (saved({1: torch.ones(1)}), "expected tensors by name, got Tensor at 1"),
    "another framework's": (saved({"model": {"a": torch.ones(1)}}), "got dict at 'model'"),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_said_in_words(tmp_path: Path, what: str) -> None:
    make, message = NO_CHECKPOINTS[what]
    path = tmp_path / "weights.pth"
    make(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_state_dict(path)
    assert str(path) in str(caught.value)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_torchscript_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "program.pth"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    with pytest.raises(CheckpointError, match="is a TorchScript program, expected weights"):
        load_state_dict(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_damaged_wherever_it_ends(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for end in [1, 2, 10, 100, len(whole) // 3, len(whole) // 2, len(whole) - 100, len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(CheckpointError, match="damaged, or no checkpoint"):
            load_state_dict(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_bytes_raise_nothing_else(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "weights.pth"
    torch.save(FORMS["with arrays"](network().state_dict()), path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    chance = random.Random(5)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(min(len(whole), 3000))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            load_state_dict(path)
        except CheckpointError:
            refused += 1
    assert refused > 100


def test_a_file_that_cannot_be_opened_or_read_is_said_in_words(tmp_path: Path) -> None:
    beyond = tmp_path / "file" / "weights.pth"
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be read: Not a directory"):
        load_state_dict(beyond)
    # Linux opens this one and then fails to read from its start, as a broken disk does.
    for read in (load_state_dict, sha256_of):
        with pytest.raises(CheckpointError, match="cannot be read: Input/output error"):
            read("/proc/self/mem")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path)
    path.chmod(0)
    with pytest.raises(CheckpointError, match="cannot be read: Permission denied"):
        load_state_dict(path)


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000  # more than one chunk
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


class TestLoadInto:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "weights.pth"
        torch.save({"state_dict": network().state_dict()}, path)
        return path

    def test_weights_arrive(self, path: Path) -> None:
        model = network()
        expected = weights_of(model)
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        load_into(model, path, sha256=sha256_of(path).upper())
        assert_same(weights_of(model), expected)

    def test_another_file_is_told_by_its_sha256_and_not_loaded(self, path: Path) -> None:
        model = network()
        nn.init.zeros_(model[0].weight)
        before, registered = weights_of(model), "ab" * 32
        with pytest.raises(CheckpointError, match="not the file that was registered") as caught:
            load_into(model, path, sha256=registered)
        assert sha256_of(path) in str(caught.value)
        assert registered in str(caught.value)
        assert_same(weights_of(model), before)

    def test_missing_and_surplus_keys_are_named_and_counted(self, path: Path) -> None:
        with pytest.raises(CheckpointError) as caught:
            load_into(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Identity(), nn.Identity(), nn.PReLU()), path)
        assert (
            "are of another model: 1 missing: 3.weight; 7 not in the model: "
            "1.weight, 1.bias, 1.running_mean, 1.running_var and 3 more. Use"
        ) in str(caught.value)

    def test_other_shapes_are_named_with_both(self, path: Path) -> None:
        model = nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.Linear(4, 9))
        with pytest.raises(CheckpointError) as caught:
            load_into(model, path)
        assert (
            "3 of another shape: 0.weight is (4, 3, 3, 3) in the file, (4, 3, 5, 5) in the model, "
            "2.weight is (2, 4) in the file, (9, 4) in the model, "
            "2.bias is (2) in the file, (9) in the model. Use"
        ) in str(caught.value)

    def test_counters_and_constants_of_the_input_may_differ(self, tmp_path: Path) -> None:
        model = network()
        state = model.state_dict()
        state["data_preprocessor.mean"] = torch.zeros(3)
        del state["1.num_batches_tracked"]
        torch.save(state, tmp_path / "weights.pth")
        load_into(model, tmp_path / "weights.pth")

    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_modules_see_which_version_wrote_their_weights(self, tmp_path: Path, prefix: str) -> None:
        class Versioned(nn.Linear):
            _version = 7
            seen: int | None = None

            def _load_from_state_dict(self, state: Any, name: str, metadata: Any, *rest: Any) -> None:
                self.seen = metadata.get("version")
                super()._load_from_state_dict(state, name, metadata, *rest)

        model = nn.Sequential(Versioned(2, 2))
        written: nn.Module = nn.DataParallel(model) if prefix else model
        assert all(key.startswith(prefix) for key in written.state_dict())
        torch.save(written.state_dict(), tmp_path / "weights.pth")
        load_into(model, tmp_path / "weights.pth")
        assert model[0].seen == 7


def test_real_checkpoints_are_read(shared_data: Path) -> None:
    for name, tensors in [("tinypose_coco_256x192.pth", 1610), ("yolox_nano_coco.pth", 642)]:
        assert len(load_state_dict(shared_data / "models" / name)) == tensors
