"""Every failure that docs/failures.md lists: what is said, that nothing is lost, that the rest goes on.

What needs a process or a database of its own is in test_kills.py, what happens to the dataset during a run in
test_run_safety.py.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import writer
from fo_pose_plugin.dataset.runs import list_runs, live_runs
from fo_pose_plugin.errors import BoxSourceError, FieldError, ModelError
from fo_pose_plugin.models.pose_network import PoseNetwork
from tests.png_files import write_black_png
from tests.tiny_models import BODY, CROWDPOSE, register_tiny_models

Noise = Callable[..., fo.Dataset]
Hook = Callable[[int], None]

UNREADABLE = Path("/proc/self/mem")  # opens, but its first byte cannot be read, not even by root
NO_FOLDER = Path("/sys/fo_pose_heatmaps")  # nobody may make one there


@pytest.fixture(autouse=True, scope="module")
def tiny_models() -> None:
    register_tiny_models(BODY, CROWDPOSE)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHUNK_SAMPLES", 4)


def estimate(samples: Any, model: str = BODY, **options: Any) -> fop.EstimateReport:
    given = {"boxes": "boxes", "progress": False, "batch_size": 1, "keep_heatmaps": False, **options}
    if options.get("whole_image"):
        del given["boxes"]
    return fop.estimate_poses(samples, model, **given)


def points_of(dataset: fo.Dataset, field: str = "poses") -> list[str]:
    return [str([k.points for k in s[field].keypoints] if s[field] is not None else None) for s in dataset]


def status_of(dataset: fo.Dataset) -> list[str]:
    return [config["status"] for config in list_runs(dataset).values()]


def completed_by_resume(dataset: fo.Dataset, **options: Any) -> bool:
    """Whether resume brings a run to its end, with poses for everyone and no error."""
    report = estimate(dataset, resume=True, **options)
    people = [len(s.poses.keypoints) for s in dataset] if not report.failures else []
    return (
        people == [len(s.boxes.detections) for s in dataset]
        and dataset.values("poses_error") == [None] * len(dataset)
        and status_of(dataset) == ["completed"]
        and set(dataset.values("poses.run_id")) == {report.run_id}
    )


# ---- images


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("the secret of some file")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_pixel(path: Path) -> None:
    Image.new("RGB", (1, 1)).save(path)


def too_large(path: Path) -> None:
    write_black_png(path, 30_000, 20_000)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unreadable(path: Path) -> None:
    path.unlink()
    path.symlink_to(UNREADABLE)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


IMAGES: dict[Callable[[Path], None], str] = {
    Path.unlink: "image {} does not exist; was it moved or deleted? Bring it back",
    empty: "image {} is empty (0 bytes): copy it anew",
    text: "{} is no image that can be read: make it a JPEG or PNG",
    truncated: "image {} is damaged: ",
    one_pixel: "image {} has 1x1 pixels, too few to show anyone: put the photo in its place",
    too_large: "image {} has more than the 178,000,000 pixels that are read; scale it down first",
    folder: "image {} cannot be read: Is a directory; make it readable",
    unreadable: "image {} cannot be read: Input/output error; make it readable, or delete the sample",
    pipe: "image {} is no regular file: put an image there",
}


@pytest.mark.parametrize("whole_image", [False, True])
def test_each_image_that_cannot_be_used_says_why_and_the_others_go_on(
    noise: Noise, whole_image: bool
) -> None:
    dataset = noise([1] * (len(IMAGES) + 2))
    paths = [Path(path) for path in dataset.values("filepath")]
    good = [path.read_bytes() for path in paths]
    for path, spoil in zip(paths, IMAGES, strict=False):
        spoil(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    report = estimate(dataset, whole_image=whole_image)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB; decoded it is 1.8 GB
    errors = dataset.values("poses_error")
    for error, path, words in zip(errors, paths, IMAGES.values(), strict=False):
        assert error.startswith(words.format(path)), error
        assert "the sample" in error or "scale it down" in error
        assert "secret" not in error
    assert errors[-2:] == [None, None]
    assert (report.samples, report.people, len(report.failures)) == (2, 2, len(IMAGES))
    assert report.failures == {s.id: s.poses_error for s in dataset if s.poses_error}
    assert status_of(dataset) == ["completed"]

    for path, content in zip(paths, good, strict=True):
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(content)
    assert completed_by_resume(dataset, whole_image=whole_image)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_image_that_one_may_not_read_says_so(noise: Noise) -> None:
    dataset = noise([1, 1])
    Path(dataset.first().filepath).chmod(0)
    report = estimate(dataset)
    assert report.samples == 1
    assert "cannot be read: Permission denied; make it readable" in dataset.first().poses_error


def test_photos_are_read_only(noise: Noise) -> None:
    dataset = noise([1, 2])
    place = Path(dataset.first().filepath).parent
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in place.iterdir()}
    place.chmod(0o500)
    try:
        assert estimate(dataset, keep_heatmaps=True).failures == {}
    finally:
        place.chmod(0o700)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in place.iterdir()} == before


# ---- boxes

BOXES: dict[str, tuple[list[float] | None, str]] = {
    "empty": ([0.1, 0.1, 0.0, 0.2], "is empty or inverted: width and height must be above 0"),
    "inverted": ([0.5, 0.5, -0.2, 0.2], "is empty or inverted: width and height must be above 0"),
    "not a number": ([math.nan, 0.1, 0.2, 0.2], "is not finite"),
    "infinite": ([0.1, 0.1, math.inf, 0.2], "is not finite"),
    "outside": ([1.2, 0.1, 0.2, 0.2], "shows less than one pixel of the 80x60 image"),
    "tiny": ([0.1, 0.1, 0.001, 0.001], "shows less than one pixel of the 80x60 image"),
    "in pixels": ([12.0, 12.0, 40.0, 40.0], "shows less than one pixel of the 80x60 image"),
    "short": ([0.1, 0.1, 0.2], "a box has 3 numbers, expected x, y, width, height"),
    "missing": (None, "a box has 0 numbers, expected x, y, width, height"),
}


def test_each_box_that_cannot_be_used_says_why_and_the_others_go_on(noise: Noise) -> None:
    dataset = noise([1] * (len(BOXES) + 1))
    bad = {}
    for sample, (box, _) in zip(dataset, BOXES.values(), strict=False):
        bad[sample.id] = fo.Detection(label="person", bounding_box=box)
        sample.boxes.detections.append(bad[sample.id])
        sample.save()
    report = estimate(dataset)
    assert (report.samples, report.people) == (len(dataset), len(dataset))
    assert list(report.failures) == list(bad)
    for sample, (_, words) in zip(dataset, BOXES.values(), strict=False):
        assert words in sample.poses_error
        assert sample.poses_error.endswith(f" (Detection {bad[sample.id].id}): mend or delete that box")
        assert len(sample.boxes.detections) == 2
    assert dataset.last().poses_error is None
    for sample in dataset.limit(len(BOXES)):
        sample.boxes.detections.pop()
        sample.save()
    assert completed_by_resume(dataset)


def test_images_without_boxes_hold_nobody(noise: Noise) -> None:
    dataset = noise([0, 0, 1])
    first = dataset.first()
    first.boxes = None
    first.save()
    for view, people in ((dataset[:2], 0), (dataset[2:], 1)):
        report = estimate(view)
        assert (report.people, report.failures) == (people, {})
        assert set(view.values("poses.run_id")) == {report.run_id}
    assert points_of(dataset)[:2] == ["[]", "[]"]


def test_a_dataset_without_boxes_says_what_else_there_is(noise: Noise) -> None:
    dataset = noise([1])
    dataset.delete_sample_field("boxes")
    with pytest.raises(BoxSourceError) as caught:
        estimate(dataset)
    assert "boxes='boxes': there is no such field; the dataset has no field with boxes" in str(caught.value)
    assert "name a detector, or take the whole image" in str(caught.value)
    assert list_runs(dataset) == {}


# ---- fields


def taken(dataset: fo.Dataset) -> None:
    dataset.add_sample_field("poses", fo.StringField)
    dataset.set_values("poses", ["mine"])


def another_skeleton(dataset: fo.Dataset) -> None:
    estimate(dataset, CROWDPOSE)


def read_only(path: str) -> Callable[[fo.Dataset], None]:
    def make(dataset: fo.Dataset) -> None:
        estimate(dataset)
        field = dataset.get_field(path)
        field.read_only = True
        field.save()

    return make


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (taken, "a field 'poses' of type StringField, but poses need it as Keypoints; choose another"),
        (another_skeleton, r"another skeleton \(14 keypoints: .* gives 17; choose another pose_field"),
        (read_only("poses"), "field 'poses' is read-only; make it writable or choose another pose_field"),
        (read_only("poses_error"), "field 'poses_error' is read-only; make it writable"),
        (read_only("poses.keypoints.digest"), "field 'poses.keypoints.digest' is read-only; make it"),
    ],
)
def test_a_field_that_cannot_be_written_is_left_as_it_is(noise: Noise, prepare: Any, words: str) -> None:
    dataset = noise([1])
    prepare(dataset)
    before, runs = dataset.first().to_dict(), list_runs(dataset)
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(FieldError, match=words):
            estimate(dataset, **options)
    dataset.reload()
    assert dataset.first().to_dict() == before
    assert list_runs(dataset) == runs
    assert estimate(dataset, pose_field="others").samples == 1


# ---- memory


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many people the device has memory for; may be changed during a run.

    Where it is too little, torch is asked for more than any machine has: the error is its own.
    """
    import torch

    heatmaps = PoseNetwork.heatmaps
    room = [1000]

    def hooked(self: PoseNetwork, pixels: Any, **options: Any) -> Any:
        if len(pixels) > room[0]:
            torch.empty(2**60, dtype=torch.uint8)
        return heatmaps(self, pixels, **options)

    monkeypatch.setattr(PoseNetwork, "heatmaps", hooked)
    return room


def test_where_memory_is_short_batches_become_smaller(noise: Noise, room: list[int]) -> None:
    dataset = noise([2, 0, 3] * 4)
    estimate(dataset, pose_field="reference")
    room[0] = 2
    report = estimate(dataset, batch_size=16)
    assert (report.samples, report.people, report.failures) == (12, 20, {})
    for sample in dataset:
        for one, other in zip(sample.poses.keypoints, sample.reference.keypoints, strict=True):
            np.testing.assert_allclose(one.points, other.points, atol=1e-5)


def test_where_there_is_memory_for_nobody_what_is_done_is_kept(noise: Noise, room: list[int]) -> None:
    dataset = noise([1] * 12)

    def run_out(state: fop.Progress) -> None:
        room[0] = 0

    with pytest.raises(ModelError, match=r"cpu has too little memory for one person; .*or take a smaller"):
        estimate(dataset, progress=run_out)
    (run,) = list_runs(dataset).values()
    assert run["status"] == "failed"
    assert "too little memory for one person" in run["message"]
    room[0] = 1
    assert completed_by_resume(dataset)


# ---- disk


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Keep heatmaps on a disk of its own, 32 kB large; give a function that changes its size."""
    place = tmp_path / "small_disk"
    place.mkdir()

    def mount(size: str, *options: str) -> str:
        """Mount it, and give what stood against that."""
        command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr.strip() or "mount failed" if done.returncode else ""

    if why := mount("32k"):
        # There is no other way to a disk that is really full; containers may forbid it even to root.
        pytest.skip(f"a small disk cannot be mounted here: {why}")
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(place))
    try:
        yield lambda size: pytest.fail("cannot be made larger") if mount(size, "remount") else None
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_costs_the_heatmaps_and_not_the_poses(
    noise: Noise, small_disk: Callable[[str], None]
) -> None:
    dataset = noise([1] * 12)
    report = estimate(dataset, keep_heatmaps=True)
    assert (report.samples, report.people) == (12, 12)
    assert 0 < len(report.failures) < 12
    for message in report.failures.values():
        assert message.startswith("heatmaps were not kept: the disk is full: ")
        assert "MB are free. Make room with clean_up, or set FO_POSE_HEATMAPS to a larger disk" in message
    kept = [s for s in dataset if s.poses_error is None]
    assert all(len(fop.load_heatmaps(sample)) == 1 for sample in kept)
    before = points_of(dataset)
    small_disk("10m")
    assert completed_by_resume(dataset, keep_heatmaps=True)
    assert points_of(dataset) == before
    assert all(len(fop.load_heatmaps(sample)) == 1 for sample in dataset)


def test_a_folder_that_cannot_be_written_costs_the_heatmaps_and_not_the_poses(
    noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = noise([1, 2])
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FO_POSE_HEATMAPS", str(NO_FOLDER))
        report = estimate(dataset, keep_heatmaps=True)
    assert (report.samples, report.people, len(report.failures)) == (2, 3, 2)
    for message in report.failures.values():
        assert message.startswith(f"heatmaps were not kept: {NO_FOLDER}")
        assert "Give yourself access, or set FO_POSE_HEATMAPS to a folder of your own" in message
    assert completed_by_resume(dataset, keep_heatmaps=True)
    assert len(fop.load_heatmaps(dataset.last())) == 2


# ---- Ctrl-C


def test_ctrl_c_keeps_what_is_done(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = noise([1] * 24)
    estimate(dataset, pose_field="reference")
    heatmaps = PoseNetwork.heatmaps
    calls = iter(range(1000))

    def pressed(self: PoseNetwork, *arguments: Any, **options: Any) -> Any:
        if next(calls) == 14:
            os.kill(os.getpid(), signal.SIGINT)
        return heatmaps(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(PoseNetwork, "heatmaps", pressed)
        with pytest.raises(KeyboardInterrupt):
            estimate(dataset)
    (run,) = list_runs(dataset, "poses").values()
    assert run["status"] == "stopped"
    assert 8 <= len(dataset.exists("poses")) < 24
    dataset.delete_sample_field("reference_error")
    report = estimate(dataset, resume=True)
    assert report.samples == 24 - report.skipped
    assert points_of(dataset) == points_of(dataset, "reference")


# ---- FiftyOne's delegated operations


def fiftyone(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    code = "import sys; from fiftyone.core.cli import main; sys.argv[0] = 'fiftyone'; main()"
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, *arguments], **options)


@pytest.mark.slow
def test_a_delegated_run_that_fiftyone_stops_can_be_resumed(noise: Noise, tmp_path: Path) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    dataset = noise([40] * 80)
    foo.execute_operator(
        "@fo-pose/fo_pose_plugin/estimate_poses",
        {"view": dataset.view()},
        params={"model": BODY, "boxes": "boxes", "batch_size": 1},
        request_delegation=True,
    )
    (queued,) = DelegatedOperationService().list_operations(dataset_name=dataset.name)
    log = (tmp_path / "service.log").open("wb")
    service = fiftyone(
        "delegated", "launch", "-t", "local", "-m", "--monitor-interval", "1", stdout=log, stderr=log
    )
    try:
        wait_until(lambda: len(done_in(dataset)) > 3)
        assert fiftyone("delegated", "fail", str(queued.id)).wait(120) == 0
        wait_until(lambda: live_runs(dataset) == {})
    finally:
        service.terminate()
        service.wait(30)
        log.close()
    stopped = done_in(dataset)
    assert 3 < len(stopped) < 80
    assert DelegatedOperationService().get(queued.id).run_state == "failed"
    # Its record cannot have been closed, but its process is known to have ended.
    (run_id,) = list_runs(dataset)
    report = estimate(dataset, resume=True, keep_heatmaps=True)
    assert (report.run_id, report.skipped) == (run_id, len(stopped))
    assert completed_by_resume(dataset, keep_heatmaps=True)
    assert all(len(fop.load_heatmaps(sample)) == 40 for sample in dataset)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def done_in(dataset: fo.Dataset) -> list[str]:
    dataset.reload()
    ids: list[str] = dataset.exists("poses").values("id") if dataset.has_field("poses") else []
    return ids
