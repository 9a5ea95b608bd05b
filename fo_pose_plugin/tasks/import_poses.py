"""Read people of a COCO file into a field of a dataset."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.formats.json_stream import open_json
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress, follow
from fo_pose_plugin.tasks.import_run import ImportReport, ImportRun

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ImportReport", "ImportRequest", "begin_import", "import_poses"]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, as plain values; see `import_poses`."""

    pose_field: str = "ground_truth"
    images: Path | None = None
    boxes: bool = True
    overwrite: bool = False
    follow_symlinks: bool = True


def import_poses(
    dataset: fo.Dataset,
    path: str | Path,
    pose_field: str,
    *,
    images: str | Path | None = None,
    boxes: bool = True,
    overwrite: bool = False,
    progress: bool | None = None,
) -> ImportReport:
    """Read a COCO file of people into a field; see docs/exchange.md.

    Annotations (keypoints or whole-body) and results are told apart by the file. Images are found by their
    file names, results by image ids. Nothing is written before the whole file was read. What cannot be used
    is counted and listed, and the rest is imported.

    Args:
        dataset: The dataset.
        path: The file.
        pose_field: The field to write. Images of the file with nobody on them get an empty label.
        images: A folder; images of the file that the dataset does not have are added from it.
        boxes: Whether to write ``<pose_field>_boxes`` too, which `estimate_poses` can take.
        overwrite: Whether to replace what the field holds for the file's images; other samples keep theirs.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Returns:
        What was imported, and what was not.

    Raises:
        FormatError: If the file is missing, malformed (with line and column), or no COCO file of keypoints.
        FieldError: If the field may not be written.
        MediaTypeError: If the dataset does not hold plain images.
    """
    import fiftyone as fo

    request = ImportRequest(pose_field, None if images is None else Path(images), boxes, overwrite)
    steps = begin_import(dataset, Path(path), request)
    return follow(steps, fo.config.show_progress_bars if progress is None else progress)


def begin_import(
    dataset: fo.Dataset | fo.DatasetView, path: Path, request: ImportRequest
) -> Generator[ExchangeProgress, None, ImportReport]:
    """Do what `import_poses` says, giving the progress on the way; errors of the request come at once."""
    whole = root_dataset(dataset)
    if len(whole):
        check_media(whole)
    fields = PoseFields(request.pose_field)
    if request.images is not None and not request.images.is_dir():
        raise InputError(f"images={str(request.images)!r} is no folder")
    with open_json(path, follow_symlinks=request.follow_symlinks):
        pass
    return _steps(whole, path, fields, request, time.monotonic())


def _steps(
    dataset: fo.Dataset, path: Path, fields: PoseFields, request: ImportRequest, began: float
) -> Generator[ExchangeProgress, None, ImportReport]:
    with ExitStack() as stack:
        file = stack.enter_context(open_json(path, follow_symlinks=request.follow_symlinks))
        run = ImportRun(
            dataset, file, fields, request.images, boxes=request.boxes, overwrite=request.overwrite
        )
        return (yield from run.steps(began))
