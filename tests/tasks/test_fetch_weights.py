"""A model whose weights are not here: fetched first, and nothing written where that fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import CheckpointError, DownloadError, InstallationError, ModelError, RunError
from fo_pose_plugin.models import downloads, registry
from fo_pose_plugin.tasks.estimate_poses import EstimateRequest, plan_estimate
from fo_pose_plugin.tasks.estimation_run import run_plan
from fo_pose_plugin.tasks.fetch_weights import missing_bytes
from fo_pose_plugin.tasks.models import best_first, forget, obstacle
from tests.known_models import KNOWN, AddKnown, known_models, weights_server, without_mmpretrain
from tests.tiny_models import CROWDPOSE, MODELS, write_tiny_model
from tests.weights_server import CHUNK, Answer, WeightsServer

__all__ = ["known_models", "weights_server", "without_mmpretrain"]

Noise = Callable[..., fo.Dataset]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_TRIES", 0.01)
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_REPORTS", 0.0)


def request(**changes: object) -> EstimateRequest:
    return EstimateRequest(KNOWN, boxes="boxes", keep_heatmaps=False, **changes)  # type: ignore[arg-type]


def assert_untouched(dataset: fo.Dataset) -> None:
    dataset.reload()
    assert sorted(set(dataset.get_field_schema())) == sorted(
        {"id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "boxes"}
    )
    assert not list_runs(dataset)
    assert dataset.list_saved_views() == []


def test_a_plan_says_what_is_missing_and_fetches_nothing(
    noise: Noise, known_models: AddKnown, weights_server: WeightsServer
) -> None:
    checkpoint = known_models()
    plan = plan_estimate(noise([1]), request())
    assert plan.model.entry is None
    assert plan.model.spec.keypoints == 17
    assert missing_bytes(plan) == pytest.approx(checkpoint.stat().st_size, abs=1)
    assert weights_server.asked == []
    fop.download_model(KNOWN, progress=False)
    assert missing_bytes(plan_estimate(noise([1]), request())) == 0


def test_a_run_fetches_its_weights_and_registers_the_model(
    noise: Noise, known_models: AddKnown, weights_server: WeightsServer
) -> None:
    checkpoint = known_models()
    dataset, told = noise([2, 1]), []
    report = fop.estimate_poses(dataset, KNOWN, boxes="boxes", keep_heatmaps=False, progress=told.append)
    assert report.people == 3
    first = told[1]
    assert first.stage == f"downloading the weights of {KNOWN}"
    assert first.describe() == f"{first.stage}, {first.download.describe()}"
    assert 0 < first.fraction < 1
    assert not first.run_id
    assert [state.stage for state in told if state.download is None][:2] == [first.stage, "loading the model"]
    entry = registry.load_entry("model", KNOWN)
    assert Path(entry.checkpoint) == registry.registry_home() / "weights" / f"{KNOWN}.pth"
    assert checkpoint.read_bytes() == Path(entry.checkpoint).read_bytes()
    again = fop.estimate_poses(
        dataset, KNOWN, boxes="boxes", keep_heatmaps=False, overwrite=True, progress=False
    )
    assert again.people == 3
    assert len(weights_server.asked) == 1


def test_a_download_that_fails_leaves_the_dataset_as_it_was(
    noise: Noise, known_models: AddKnown, weights_server: WeightsServer
) -> None:
    known_models()
    weights_server.default = Answer(status=404)
    dataset = noise([1])
    with pytest.raises(
        DownloadError, match=rf"{KNOWN}\.pth could not be .* by hand \(its sha256 begins with \w{{8}}\)"
    ):
        fop.estimate_poses(dataset, KNOWN, boxes="boxes", progress=False)
    assert_untouched(dataset)
    assert registry.list_names("model") == []


def test_a_run_that_is_closed_while_it_downloads_goes_on_later(
    noise: Noise, known_models: AddKnown, weights_server: WeightsServer
) -> None:
    known_models()
    dataset = noise([1])
    with closing(run_plan(plan_estimate(dataset, request()))) as run:
        next(state for state in run if state.download and state.download.done_bytes > CHUNK)
    assert_untouched(dataset)
    part = registry.registry_home() / "weights" / f"{KNOWN}.pth.part"
    assert part.stat().st_size > CHUNK
    assert fop.estimate_poses(dataset, KNOWN, boxes="boxes", keep_heatmaps=False, progress=False).people == 1
    assert (weights_server.ranges[-1] or "").startswith("bytes=")
    assert not part.exists()


def test_a_run_is_resumed_after_its_model_was_removed(noise: Noise, known_models: AddKnown) -> None:
    known_models()
    dataset = noise([1, 1])
    first = fop.estimate_poses(dataset, KNOWN, boxes="boxes", keep_heatmaps=False, progress=False)
    forget("model", KNOWN, weights=True)
    assert plan_estimate(dataset, request(resume=True)).resumed_run is None  # cannot be told yet
    report = fop.estimate_poses(
        dataset, KNOWN, boxes="boxes", keep_heatmaps=False, resume=True, progress=False
    )
    assert (report.run_id, report.skipped) == (first.run_id, 2)
    # Weights that are not the same cannot continue it, which shows once they are here.
    forget("model", KNOWN, weights=True)
    with pytest.raises(RunError, match="flip_test"):
        fop.estimate_poses(
            dataset, KNOWN, boxes="boxes", keep_heatmaps=False, flip_test=True, resume=True, progress=False
        )


def test_a_bar_shows_how_far_the_download_is(
    noise: Noise, known_models: AddKnown, capfd: pytest.CaptureFixture[str]
) -> None:
    known_models()
    fop.estimate_poses(noise([1]), KNOWN, boxes="boxes", keep_heatmaps=False, progress=True)
    assert f"downloading the weights of {KNOWN}: 100%" in capfd.readouterr().err
    known_models("td-hm_other_coco-64x64")
    fop.estimate_poses(
        noise([1]), "td-hm_other_coco-64x64", boxes="boxes", keep_heatmaps=False, progress=False
    )
    assert "downloading" not in capfd.readouterr().err


def test_what_cannot_be_used_is_refused_by_the_plan(
    noise: Noise, known_models: AddKnown, without_mmpretrain: None
) -> None:
    known_models("broken", problem="its parts contradict each other")
    known_models("needy", needs="mmpretrain")
    known_models("unpublished", url=None, sha256_prefix=None)
    dataset = noise([1])
    refused: tuple[tuple[str, type[ModelError | InstallationError], str], ...] = (
        ("broken", ModelError, "'broken' cannot be used: its parts contradict each other"),
        ("unpublished", ModelError, "no weights of it are published"),
        ("needy", InstallationError, "mmpretrain, which is not installed: .* --extra vitpose"),
    )
    for name, error, words in refused:
        with pytest.raises(error, match=words):
            plan_estimate(dataset, EstimateRequest(name, boxes="boxes"))
    assert {spec.name: obstacle(spec) for spec in fop.list_models()}["needy"] == (
        "needs mmpretrain, which is not installed"
    )


def test_a_model_is_downloaded_once(known_models: AddKnown, weights_server: WeightsServer) -> None:
    known_models()
    told: list[object] = []
    spec = fop.download_model(KNOWN, progress=told.append)
    assert (spec.name, spec.is_here, spec.registered) == (KNOWN, True, True)
    assert told
    assert fop.download_model(KNOWN) == spec
    assert len(weights_server.asked) == 1


def test_weights_that_someone_has_put_there_are_taken(
    known_models: AddKnown, weights_server: WeightsServer
) -> None:
    checkpoint = known_models()
    folder = registry.registry_home() / "weights"
    folder.mkdir(parents=True)
    (folder / f"{KNOWN}.pth").write_bytes(checkpoint.read_bytes())
    (spec,) = fop.list_models()
    assert (spec.is_here, spec.registered) == (True, False)
    assert fop.download_model(KNOWN).registered
    assert weights_server.asked == []


def test_weights_of_another_model_are_told_by_their_keys_and_not_registered(
    known_models: AddKnown, weights_server: WeightsServer, tmp_path: Path
) -> None:
    _, foreign = write_tiny_model(tmp_path, *MODELS[CROWDPOSE])
    known_models(sha256_prefix=weights_server.add(f"/published/{KNOWN}.pth", b"")[1])
    url, prefix = weights_server.add(f"/published/{KNOWN}.pth", foreign.read_bytes())
    with pytest.raises(DownloadError):
        fop.download_model(KNOWN, progress=False)
    known_models("foreign", url=url.replace(KNOWN, "foreign"), sha256_prefix=prefix)
    weights_server.add("/published/foreign.pth", foreign.read_bytes())
    with pytest.raises(CheckpointError, match=r"of another model: .*head\.final_layer"):
        fop.download_model("foreign", progress=False)
    assert registry.list_names("model") == []


def test_what_is_here_comes_first_and_then_the_more_precise(known_models: AddKnown) -> None:
    known_models("b", ap=0.6)
    known_models("a", ap=0.6)
    known_models("c", ap=0.8)
    known_models("d", ap=None)
    known_models("e", ap=0.1)
    fop.download_model("e", progress=False)
    assert [spec.name for spec in best_first(fop.list_models())] == ["e", "c", "a", "b", "d"]


def test_a_model_is_forgotten_with_its_weights_or_without(known_models: AddKnown, tmp_path: Path) -> None:
    checkpoint = known_models()
    with pytest.raises(ModelError, match=f"nothing of the model '{KNOWN}' is here"):
        forget("model", KNOWN)
    fop.download_model(KNOWN, progress=False)
    file = registry.registry_home() / "weights" / f"{KNOWN}.pth"
    assert forget("model", KNOWN).weights == file
    assert file.is_file()
    removal = forget("model", KNOWN, weights=True)  # not registered any more, but its weights are here
    assert (removal.weights, removal.freed_bytes) == (file, checkpoint.stat().st_size)
    assert not file.exists()

    fop.add_model("mine", checkpoint.with_suffix(".py"), checkpoint)
    removal = forget("model", "mine", weights=True)
    assert removal.kept_because == "it was not downloaded by fo-pose"
    assert checkpoint.is_file()

    fop.download_model(KNOWN, progress=False)
    fop.add_model("twin", checkpoint.with_suffix(".py"), file)
    assert forget("model", KNOWN, weights=True).kept_because == "twin uses it too"
    assert forget("model", "twin", weights=True).freed_bytes
