"""A model whose weights are not here, in the App: the form says so, the bar moves, a failure is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.driver import AppPage
from tests.tiny_models import noise_dataset
from tests.weights_server import Answer, WeightsServer

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODEL = "td-hm_res50_8xb64-210e_coco-256x192"
SENT_BYTES = 6 << 20


@pytest.fixture(scope="module", autouse=True)
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeightsServer]:
    """A slow mirror with a wrong file; behind it, nothing can be reached."""
    from fo_pose_plugin.models.mmpose_models import all_cards

    url = all_cards()[MODEL].url
    assert url is not None
    with WeightsServer().running() as server, pytest.MonkeyPatch.context() as environment:
        server.add(url.removeprefix("https://download.openmmlab.com"), os.urandom(SENT_BYTES))
        server.default = Answer(pause_s=0.15)
        environment.setenv("FO_POSE_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("FO_POSE_MIRRORS", server.address)
        environment.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        environment.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield server


def test_a_download_is_announced_followed_and_its_failure_told(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path, mirror: WeightsServer
) -> None:
    dataset = noise_dataset(make_dataset("downloads"), tmp_path, [2, 1, 3])
    app.page.set_viewport_size({"width": 1280, "height": 800})
    app.open(dataset.name, samples=3)
    form = app.open_operator("Estimate poses")
    form.choose("Model", MODEL)
    assert form.value("Model") == MODEL
    assert "136 MB to download" in form.text()
    assert "First it downloads about 136 MB of weights" in form.text()
    app.screenshot("download_form")
    assert form.can_run()
    form.execute()
    app.page.get_by_text("downloading the weights of").first.wait_for()
    app.page.wait_for_timeout(5000)
    progress = app.progress_text()
    app.screenshot("download_running")
    assert f"downloading the weights of {MODEL}, " in progress
    assert " of 6 MB" in progress
    told = app.wait_for_output(120)
    app.screenshot("download_failed")
    assert "Poses were not estimated" in told
    assert "by hand (its sha256 begins with" in told
    assert "was removed" in told
    assert "the proxy does not answer: Failed to establish a new connection" in told
    assert mirror.asked
    dataset.reload()
    assert not dataset.has_field("poses")
    assert not dataset.list_runs()
