"""Say how doubtful poses are, from their kept heatmaps and without the model."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.core.verdicts import judge
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.overlays import KeptPerson, KeptPoses, read_kept_poses
from fo_pose_plugin.dataset.removal import check_made_by_runs
from fo_pose_plugin.dataset.runs import check_idle, list_runs
from fo_pose_plugin.dataset.signal_labels import (
    PersonSignals,
    declare_signals,
    signals_of,
    write_signals,
)
from fo_pose_plugin.errors import FieldError, InputError, PoseError
from fo_pose_plugin.inference.evidence import read_evidence
from fo_pose_plugin.inference.images import read_ahead
from fo_pose_plugin.models.codecs import CodecKind
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.evaluation.oks_constants import find_oks_sigmas
from fo_pose_plugin.tasks.kept_heatmaps import read_people_heatmaps
from fo_pose_plugin.tasks.painted_overlays import image_size, person_crop

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["SignalsProgress", "SignalsReport", "compute_signals", "signal_samples"]

CHUNK_SAMPLES = 64
MAX_WORKERS = 8
SECONDS_BETWEEN_REPORTS = 0.3


@dataclass(frozen=True, slots=True)
class SignalsReport:
    """What was computed.

    Args:
        samples: Samples whose people have signals now.
        people: People on them.
        skipped: Samples without poses, and those on which nobody was found.
        edited: People whose points another tool has moved: their heatmaps tell nothing of those.
        failures: Why a sample's labels stay as they were, by sample id.
        seconds: What it took.
    """

    samples: int
    people: int
    skipped: int
    edited: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SignalsProgress:
    """How far it is.

    Args:
        done: Samples that are finished, skipped or failed.
        total: Samples there are.
        failed: Samples that failed so far.
    """

    done: int
    total: int
    failed: int = 0

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return self.done / self.total if self.total else 1.0

    def describe(self) -> str:
        """Say it in one line."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"reading heatmaps: {self.done:,} of {n_images(self.total)}{failed}"


def compute_signals(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    *,
    details: bool = False,
    progress: bool | None = None,
) -> SignalsReport:
    """Say how doubtful each keypoint and person is, and why, from the kept heatmaps.

    Each person gets ``doubt`` (0 to 1), ``why`` in words and the lists ``keypoint_doubt``, ``second_peak``
    and ``second_peak_distance`` beside ``points``; the field's list gets the ``doubt`` of its most doubtful
    person. Points, confidences and digests are not touched. Everyone on a sample is judged, whatever people
    a view shows. ``estimate_poses(..., signals=True)`` writes the same on the way.

    Args:
        samples: A dataset or view of images.
        pose_field: The field with the poses.
        details: Whether to write all evidence, also what ``doubt`` makes no use of: ``peak``,
            ``peak_entropy``, ``spread_along``, ``spread_across``, ``at_border``.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Returns:
        What was computed; a sample that cannot be judged is in ``failures``, and does not hold up the rest.

    Raises:
        FieldError: If the field holds no poses of a run, or no heatmaps of it were kept.
        RunError: If a run goes on in the field.
        MediaTypeError: If the samples are no plain images.
    """
    import fiftyone as fo

    steps = signal_samples(samples, pose_field, details=details)
    shown = fo.config.show_progress_bars if progress is None else progress
    with closing(steps), fo.ProgressBar(total=len(samples), quiet=not shown, iters_str="images") as bar:
        while True:
            try:
                bar.set_iteration(next(steps).done)
            except StopIteration as end:
                report: SignalsReport = end.value
                return report


def signal_samples(
    samples: fo.Dataset | fo.DatasetView, pose_field: str, *, details: bool = False
) -> Generator[SignalsProgress, None, SignalsReport]:
    """Do what `compute_signals` says, giving the progress on the way; errors of the request come at once."""
    check_media(samples)
    fields = PoseFields(pose_field)
    dataset = root_dataset(samples)
    check_made_by_runs(dataset, fields)
    check_idle(dataset, pose_field)
    held = samples.exists(f"{pose_field}.heatmaps_path") if len(samples) else samples
    if len(samples) and samples.exists(pose_field).limit(1) and not held.limit(1):
        people = samples.count(f"{pose_field}.keypoints")
        if people:
            raise FieldError(
                f"no heatmaps of field {pose_field!r} were kept, so that there is no evidence to read: run "
                "estimate_poses with signals=True (and overwrite=True), or with keep_heatmaps=True"
            )
    return _Signals(dataset, fields, details=details).compute(samples)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What became of one sample: its people's signals by their place in the label, or a failure."""

    kept: KeptPoses
    people: Mapping[int, tuple[str, PersonSignals]] = field(default_factory=dict)
    failure: str | None = None


class _Signals:
    """Judges the samples of one field.

    Args:
        dataset: The dataset.
        fields: The pose field.
        details: See `compute_signals`.
    """

    def __init__(self, dataset: fo.Dataset, fields: PoseFields, *, details: bool) -> None:
        self.dataset = dataset
        self.fields = fields
        self.details = details
        self.skeleton = _with_sigmas(dataset, read_skeleton(dataset, fields.poses))
        self.runs = list_runs(dataset, fields.poses)
        self.failures: dict[str, str] = {}
        self.samples = self.people = self.skipped = self.edited = 0

    def compute(
        self, samples: fo.Dataset | fo.DatasetView
    ) -> Generator[SignalsProgress, None, SignalsReport]:
        """Go through the samples chunk by chunk."""
        started = last_report = time.monotonic()
        ids: list[str] = samples.values("id")
        declare_signals(self.dataset, self.fields, details=self.details)
        workers = min(MAX_WORKERS, os.cpu_count() or 1)
        yield SignalsProgress(0, len(ids))
        for start in range(0, len(ids), CHUNK_SAMPLES):
            chunk = ids[start : start + CHUNK_SAMPLES]
            judged = []
            kept = read_kept_poses(samples, self.fields, chunk)
            for result in read_ahead(kept, self._judge_sample, workers=workers, ahead=2 * workers):
                judged.append(result)
                if time.monotonic() - last_report > SECONDS_BETWEEN_REPORTS:
                    last_report = time.monotonic()
                    yield SignalsProgress(start + len(judged), len(ids), len(self.failures))
            self._write(judged)
        yield SignalsProgress(len(ids), len(ids), len(self.failures))
        return SignalsReport(
            samples=self.samples,
            people=self.people,
            skipped=self.skipped,
            edited=self.edited,
            failures=self.failures,
            seconds=time.monotonic() - started,
        )

    def _judge_sample(self, kept: KeptPoses) -> _Judged:
        """Judge one sample, on a thread; what is wrong with it stays with it."""
        people = {place: person for place, person in enumerate(kept.people or ()) if not person.edited}
        if not people:
            return _Judged(kept)
        try:
            return _Judged(kept, self._judge_people(kept, people))
        except PoseError as error:
            return _Judged(kept, failure=str(error))

    def _judge_people(
        self, kept: KeptPoses, places: Mapping[int, KeptPerson]
    ) -> dict[int, tuple[str, PersonSignals]]:
        people = list(places.values())
        header, heatmaps = read_people_heatmaps(
            kept,
            people,
            dataset=self.dataset,
            pose_field=self.fields.poses,
            keypoints=len(self.skeleton),
        )
        crops = [person_crop(person) for person in people]
        size_wh = image_size(people, crops, kept.filepath)
        sizes = [np.multiply((person.bounding_box or (0, 0, 1, 1))[2:], size_wh) for person in people]
        height, width = heatmaps.shape[2:]
        verdicts = judge(
            read_evidence(heatmaps, self._codec(kept, header.scale_max)),
            self.skeleton,
            sizes,
            crops,
            (width, height),
        )
        signals = signals_of(verdicts, details=self.details)
        return {
            place: (person.label_id, found)
            for (place, person), found in zip(places.items(), signals, strict=True)
        }

    def _codec(self, kept: KeptPoses, scale_max: float) -> CodecKind:
        """Tell the codec from the run's record or the overlay; the scale alone tells enough to go on."""
        details = self.runs.get(kept.run_id or "", {}).get("details") or {}
        found: Any = details.get("codec") or kept.codec
        if found not in get_args(CodecKind):
            return "megvii" if scale_max > 1 else "msra"
        kind: CodecKind = found
        return kind

    def _write(self, judged: list[_Judged]) -> None:
        """Write a chunk's signals."""
        people: dict[str, Mapping[int, tuple[str, PersonSignals]]] = {}
        for result in judged:
            kept = result.kept
            self.edited += sum(person.edited for person in kept.people or ())
            if result.failure is not None:
                self.failures[kept.sample_id] = result.failure
            elif result.people:
                people[kept.sample_id] = result.people
            else:
                self.skipped += 1
        worst = {key: max(one.doubt for _, one in found.values()) for key, found in people.items()}
        write_signals(self.dataset, self.fields, people, worst)
        self.samples += len(people)
        self.people += sum(map(len, people.values()))


def _with_sigmas(dataset: fo.Dataset, skeleton: Skeleton) -> Skeleton:
    """Give a field's skeleton its OKS constants, where they are known; the field's name is its own."""
    try:
        return replace(skeleton, oks_sigmas=find_oks_sigmas(dataset, skeleton.name, skeleton, None))
    except InputError:
        return skeleton
