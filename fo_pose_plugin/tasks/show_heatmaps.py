"""Paint the overlay anew from the kept heatmaps, for some keypoints or all, without the model."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.overlays import check_overlay_field
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.heatmap_painter import HeatmapPainter, PaintProgress, ShowHeatmapsReport
from fo_pose_plugin.tasks.show_keypoints import keypoint_choices

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["PaintProgress", "ShowHeatmapsReport", "heatmap_choices", "paint_samples", "show_heatmaps"]


def show_heatmaps(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    keypoints: str | Iterable[str] | None = None,
    *,
    progress: bool | None = None,
) -> ShowHeatmapsReport:
    """Paint the overlay in ``<pose_field>_heatmap`` for some keypoints, from the kept heatmaps.

    Everyone on a sample is painted, whatever people and points a view shows; all with the codec's one
    scale, so that colours can be compared between people and samples. Each overlay's label says in
    ``keypoints`` what it shows.

    The new picture is written first, then the field, and at last the picture before is removed, but only
    from this dataset's own overlay folder and where no dataset of the database names it: a clone shares
    files. What stays behind is for ``clean_up``.

    Args:
        samples: A dataset or view of images.
        pose_field: The field with the poses.
        keypoints: Names of keypoints or groups (body, feet, face, hands), or None for all.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Returns:
        What was painted; a sample that cannot be painted is in ``failures``, and does not hold up the rest.

    Raises:
        FieldError: If the field holds no poses of a run, or the overlay field cannot be written.
        KeypointNameError: If the skeleton has no such keypoint or group.
        MediaTypeError: If the samples are no plain images.
    """
    import fiftyone as fo

    painting = paint_samples(samples, pose_field, keypoints)
    shown = fo.config.show_progress_bars if progress is None else progress
    with closing(painting), fo.ProgressBar(total=len(samples), quiet=not shown, iters_str="images") as bar:
        while True:
            try:
                bar.set_iteration(next(painting).done)
            except StopIteration as end:
                report: ShowHeatmapsReport = end.value
                return report


def paint_samples(
    samples: fo.Dataset | fo.DatasetView, pose_field: str, keypoints: str | Iterable[str] | None
) -> Generator[PaintProgress, None, ShowHeatmapsReport]:
    """Do what `show_heatmaps` says, giving the progress on the way; errors of the request come at once."""
    check_media(samples)
    fields = PoseFields(pose_field)
    dataset = root_dataset(samples)
    check_overlay_field(dataset, fields)
    return HeatmapPainter(dataset, fields, keypoints).paint(samples)


def heatmap_choices(dataset: fo.Dataset) -> dict[str, list[str]]:
    """Give each field that may hold kept heatmaps the groups and keypoints that can be shown."""
    return {
        name: choices
        for name, choices in keypoint_choices(dataset).items()
        if dataset.get_field(f"{name}.heatmaps_path") is not None
    }
