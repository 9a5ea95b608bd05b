"""Carries out `show_heatmaps`: reads kept heatmaps and paints them in threads, and writes in chunks."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, get_args

from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.dataset.fiftyone_internals import database_id, dataset_id
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.overlays import (
    KeptPoses,
    declare_overlay,
    make_overlay,
    read_kept_poses,
    write_overlays,
)
from fo_pose_plugin.dataset.references import file_key, referenced_files
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import FieldError, HeatmapError, PoseError
from fo_pose_plugin.heatmaps import store
from fo_pose_plugin.heatmaps.overlay import remove_overlay
from fo_pose_plugin.inference.images import read_ahead
from fo_pose_plugin.models.codecs import CodecKind
from fo_pose_plugin.tasks.kept_heatmaps import read_people_heatmaps
from fo_pose_plugin.tasks.painted_overlays import (
    image_size,
    legend,
    paint_people,
    person_crop,
    save_overlay,
)

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["HeatmapPainter", "PaintProgress", "ShowHeatmapsReport"]

CHUNK_SAMPLES = 64
MAX_WORKERS = 8
SECONDS_BETWEEN_REPORTS = 0.3


@dataclass(frozen=True, slots=True)
class ShowHeatmapsReport:
    """What was painted.

    Args:
        samples: Samples whose overlay was painted anew, or cleared because nobody is left on them.
        skipped: Samples without poses, and those on which nobody was found.
        failures: Why a sample's overlay stays as it was, by sample id.
        seconds: What it took.
        shown: What the overlays show, in words, as on each label's ``keypoints``.
        heatmap_field: The field that holds them.
    """

    samples: int
    skipped: int
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    shown: str = ""
    heatmap_field: str = ""


@dataclass(frozen=True, slots=True)
class PaintProgress:
    """How far the painting is.

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
        return f"painting heatmaps: {self.done:,} of {n_images(self.total)}{failed}"


@dataclass(frozen=True, slots=True)
class _Painted:
    """What became of one sample: a new picture, none because nobody is there, or a failure."""

    kept: KeptPoses
    path: Path | None = None
    shown: str = ""
    codec: str = ""
    failure: str | None = None


class HeatmapPainter:
    """Paints samples of one field.

    Args:
        dataset: The dataset.
        fields: The pose field and its overlay's.
        keypoints: See `show_heatmaps`.
    """

    def __init__(
        self, dataset: fo.Dataset, fields: PoseFields, keypoints: str | Iterable[str] | None
    ) -> None:
        self.dataset = dataset
        self.fields = fields
        self.dataset_id = dataset_id(dataset)
        self.runs = {run_id: config.get("details") or {} for run_id, config in list_runs(dataset).items()}
        self.skeleton = self._find_skeleton()
        self.chosen: tuple[int, ...] | None = None
        if keypoints is not None:
            if self.skeleton is None:
                self.skeleton = read_skeleton(dataset, fields.poses)  # which says what is missing
            chosen = self.skeleton.resolve(keypoints)
            if not chosen:
                raise FieldError("no keypoint was named: name at least one, or None for all")
            self.chosen = chosen if len(chosen) < len(self.skeleton) else None
        self.files = store.HeatmapStore(store.default_root())
        self.replaced: list[str] = []
        self.failures: dict[str, str] = {}
        self.painted = self.skipped = 0

    def _find_skeleton(self) -> Skeleton | None:
        """The field's skeleton, or after the field was renamed the one that its run has noted."""
        try:
            return read_skeleton(self.dataset, self.fields.poses)
        except FieldError:
            noted = [self.runs.get(run_id) for run_id in self._run_ids()]
        names = next((tuple(run["keypoints"]) for run in noted if run and run.get("keypoints")), None)
        return None if names is None else Skeleton(self.fields.poses, names, (), mirrored_indices(names))

    def _run_ids(self) -> list[str]:
        run_ids: list[str] = self.dataset.distinct(f"{self.fields.poses}.run_id")
        return run_ids

    def paint(
        self, samples: fo.Dataset | fo.DatasetView
    ) -> Generator[PaintProgress, None, ShowHeatmapsReport]:
        """Paint chunk by chunk."""
        started = last_report = time.monotonic()
        ids: list[str] = samples.values("id")
        declare_overlay(self.dataset, self.fields)
        with suppress(HeatmapError):  # where nothing can be written, each sample says so
            self.files.claim(self.dataset_id, database_id())
        done = 0
        yield PaintProgress(0, len(ids))
        for start in range(0, len(ids), CHUNK_SAMPLES):
            chunk = ids[start : start + CHUNK_SAMPLES]
            kept = read_kept_poses(samples, self.fields, chunk)
            results = []
            for result in self._paint_chunk(kept):
                results.append(result)
                if time.monotonic() - last_report > SECONDS_BETWEEN_REPORTS:
                    last_report = time.monotonic()
                    yield PaintProgress(done + len(results), len(ids), len(self.failures))
            self._write(results)
            done += len(chunk)
        self._remove_replaced()
        yield PaintProgress(len(ids), len(ids), len(self.failures))
        return ShowHeatmapsReport(
            samples=self.painted,
            skipped=self.skipped,
            failures=self.failures,
            seconds=time.monotonic() - started,
            shown=self._shown(len(self.skeleton)) if self.skeleton else "all keypoints",
            heatmap_field=self.fields.heatmap,
        )

    def _paint_chunk(self, kept: Iterable[KeptPoses]) -> Iterator[_Painted]:
        workers = min(MAX_WORKERS, os.cpu_count() or 1)
        yield from read_ahead(kept, self._paint_sample, workers=workers, ahead=2 * workers)

    def _paint_sample(self, kept: KeptPoses) -> _Painted:
        """Paint one sample, on a thread; what is wrong with it stays with it."""
        if not kept.people:
            return _Painted(kept)
        try:
            return self._paint_people(kept)
        except PoseError as error:
            return _Painted(kept, failure=str(error))

    def _paint_people(self, kept: KeptPoses) -> _Painted:
        if kept.foreign_overlay:
            raise FieldError(
                f"{self.fields.heatmap!r} holds a heatmap that this plugin has not painted; it is left "
                "alone: rename that field, or clear it"
            )
        people = [person for person in kept.people or () if person.heatmap_index is not None]
        header, heatmaps = read_people_heatmaps(
            kept,
            people,
            dataset=self.dataset,
            pose_field=self.fields.poses,
            keypoints=None if self.skeleton is None else len(self.skeleton),
        )
        codec = self._codec(kept)
        crops = [person_crop(person) for person in people]
        pixels = paint_people(
            heatmaps,
            crops,
            image_size(people, crops, kept.filepath),
            codec,
            keypoints=self.chosen,
            scale_max=header.scale_max,
        )
        run_id = header.origin.rpartition("/")[0]
        path = save_overlay(self.files, self.dataset_id, run_id, kept.sample_id, pixels)
        total = len(kept.people or ())
        note = "" if len(people) == total else f"{len(people)} of {total} people"
        return _Painted(kept, path, self._shown(header.keypoints, note), codec)

    def _shown(self, total: int, people: str = "") -> str:
        return legend(total, self.chosen, self.skeleton, people=people)

    def _codec(self, kept: KeptPoses) -> CodecKind:
        """Tell the codec from the run's record, or where that is gone from the overlay before."""
        found: Any = self.runs.get(kept.run_id or "", {}).get("codec") or kept.codec
        if found not in get_args(CodecKind):
            raise HeatmapError(
                f"the record of run {kept.run_id} is gone from this dataset, so that it is unknown where on "
                "the image its heatmaps lie: export or clone whole datasets, or run estimate_poses again "
                "with overwrite"
            )
        kind: CodecKind = found
        return kind

    def _write(self, results: Sequence[_Painted]) -> None:
        """Write a chunk's labels, and note which pictures they replace."""
        overlays: dict[str, fo.Heatmap | None] = {}
        for result in results:
            kept = result.kept
            if result.failure is not None:
                self.failures[kept.sample_id] = result.failure
                continue
            if result.path is not None:
                overlays[kept.sample_id] = make_overlay(result.path, result.shown, result.codec)
            elif kept.overlay_path and kept.people is not None and not kept.foreign_overlay:
                overlays[kept.sample_id] = None  # people who are no longer there
            else:
                self.skipped += 1
                continue
            if kept.overlay_path and kept.overlay_path != str(result.path):
                self.replaced.append(kept.overlay_path)
        write_overlays(self.dataset, self.fields, overlays)
        self.painted += len(overlays)

    def _remove_replaced(self) -> None:
        """Remove the pictures before, those of this dataset that no dataset of the database names."""
        own = self.files.root / store.OVERLAYS / self.dataset_id
        replaced = [path for path in self.replaced if PurePath(path).is_relative_to(own)]
        if not replaced:
            return
        named = referenced_files()
        for path in replaced:
            if file_key(path) not in named:
                try:
                    remove_overlay(path, self.files.root)
                except HeatmapError:
                    continue  # a symlink, or no right to: clean_up will tell
