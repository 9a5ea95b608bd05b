"""Keep a run's heatmaps on disk, and give them back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, database_id, dataset_id
from fo_pose_plugin.dataset.overlays import KeptPerson, KeptPoses
from fo_pose_plugin.errors import FieldError, HeatmapError
from fo_pose_plugin.heatmaps import encoding, store
from fo_pose_plugin.models.codecs import CodecSpec
from fo_pose_plugin.tasks.painted_overlays import codec_scale, paint_people, save_overlay

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "HeatmapKeeper",
    "KeptFiles",
    "expected_bytes",
    "load_heatmaps",
    "read_heatmaps",
    "read_people_heatmaps",
]

Float32: TypeAlias = npt.NDArray[np.float32]

OBJECT_ID_DIGITS = 24


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The files of one sample.

    Args:
        heatmaps: Everyone's heatmaps.
        overlay: The picture of them that the App paints over the photo.
    """

    heatmaps: Path
    overlay: Path


@dataclass(frozen=True, slots=True)
class HeatmapKeeper:
    """Writes the files of one run.

    Args:
        files: The store.
        dataset: The dataset's id.
        run_id: The run's.
        codec: What the heatmaps mean.
    """

    files: store.HeatmapStore
    dataset: str
    run_id: str
    codec: CodecSpec

    @classmethod
    def for_run(cls, dataset: fo.Dataset, run_id: str, codec: CodecSpec) -> HeatmapKeeper:
        """Keep files in the folder that the environment names."""
        files = store.HeatmapStore(store.default_root())
        with suppress(HeatmapError):  # where nothing can be written, each sample says so
            files.claim(dataset_id(dataset), database_id())
        return cls(files, dataset_id(dataset), run_id, codec)

    def keep(self, sample_id: str, poses: ImagePoses, image_size_wh: tuple[int, int]) -> KeptFiles:
        """Write the heatmaps of one sample, and their overlay.

        Raises:
            HeatmapError: If they are not finite, or cannot be written; nothing is half-written.
        """
        if poses.heatmaps is None:
            raise HeatmapError(f"sample {sample_id} has no heatmaps: the estimator was not told to keep them")
        scale_max = codec_scale(self.codec.kind)
        path = self.files.path_for(self.dataset, self.run_id, sample_id)
        self.files.save(path, poses.heatmaps, scale_max=scale_max)
        painted = paint_people(
            poses.heatmaps, poses.crops, image_size_wh, self.codec.kind, scale_max=scale_max
        )
        return KeptFiles(path, save_overlay(self.files, self.dataset, self.run_id, sample_id, painted))


def expected_bytes(people: int, keypoints: int, codec: CodecSpec) -> int:
    """Reckon what the heatmaps of so many people will take on disk; noisy ones take more."""
    return encoding.expected_bytes(people, keypoints, codec.heatmap_size_wh)


def load_heatmaps(sample: fo.Sample, pose_field: str = "poses") -> list[Float32]:
    """Give the kept heatmaps of a sample's people.

    Args:
        sample: The sample.
        pose_field: The field with the poses.

    Returns:
        One (K, H, W) float32 per person, in the order of the field's keypoints: likelihoods in the model's
        own scale, averaged with the mirrored pass where flip test ran. Decoding them gives the keypoints.

    Raises:
        FieldError: If the sample has no such field.
        HeatmapError: If no heatmaps were kept, or their file is missing, damaged or not where it may be.
    """
    if not sample.has_field(pose_field):
        raise FieldError(
            f"sample {sample.id} has no field {pose_field!r}; its fields: {', '.join(sample.field_names)}"
        )
    poses = sample[pose_field]
    if poses is None or not poses.keypoints:
        return []
    path = poses.heatmaps_path if poses.has_field("heatmaps_path") else None
    if path is None:
        raise HeatmapError(
            f"sample {sample.id} has poses in {pose_field!r}, but their heatmaps were not kept: run "
            "estimate_poses with keep_heatmaps=True and overwrite=True"
        )
    people = [keypoint.heatmap_index for keypoint in poses.keypoints]
    if any(index is None for index in people):
        raise HeatmapError(
            f"sample {sample.id} has people in {pose_field!r} that no run made: they have no heatmaps"
        )
    _, heatmaps = read_heatmaps(
        path, sample_id=sample.id, dataset=sample.dataset, run_id=poses.run_id, people=people
    )
    return list(heatmaps)


def read_heatmaps(
    path: str,
    *,
    sample_id: str,
    dataset: fo.Dataset | None,
    run_id: str | None,
    people: Sequence[int],
) -> tuple[encoding.HeatmapHeader, Float32]:
    """Read kept heatmaps, and see that they are this sample's.

    Args:
        path: As the database has it; it is not trusted.
        sample_id: Whose they should be. A copy of the sample may bear another id than the file.
        dataset: The sample's; None for a sample that is in none.
        run_id: The run that the poses come from.
        people: Whose heatmaps, by their place in the file.

    Returns:
        The file's header and (N, K, h, w) float32.

    Raises:
        HeatmapError: If the file is missing, damaged, of another sample or run, or not where it may be.
    """
    # The store sees that what the file says of itself agrees with its name.
    owner = PurePath(path).name[:OBJECT_ID_DIGITS]
    if dataset is not None and owner != sample_id and _is_anothers(path, owner, dataset):
        raise HeatmapError(
            f"{path} holds the heatmaps of sample {owner}, not of {sample_id}: set the path right, or run "
            "estimate_poses again with overwrite"
        )
    return store.read(path, roots=_roots(path), run_id=run_id, people=people)


def read_people_heatmaps(
    kept: KeptPoses,
    people: Sequence[KeptPerson],
    *,
    dataset: fo.Dataset,
    pose_field: str,
    keypoints: int | None,
) -> tuple[encoding.HeatmapHeader, Float32]:
    """Read the heatmaps of some people of a sample.

    Args:
        kept: What the database says of the sample.
        people: Some of its people; a run has made each of them.
        dataset: The sample's.
        pose_field: The field with the poses.
        keypoints: How many the field has; None where that is not known.

    Returns:
        The file's header and (N, K, h, w) float32.

    Raises:
        HeatmapError: If no heatmaps were kept, there are no people, the file holds another number of
            keypoints, or it cannot be read (see `read_heatmaps`).
    """
    if not kept.heatmaps_path:
        raise HeatmapError(
            "the heatmaps of this sample were not kept: run estimate_poses with keep_heatmaps=True and "
            "overwrite=True"
        )
    if not people:
        raise HeatmapError("no run made the people of this sample: they have no heatmaps")
    header, heatmaps = read_heatmaps(
        kept.heatmaps_path,
        sample_id=kept.sample_id,
        dataset=dataset,
        run_id=kept.run_id,
        people=[int(person.heatmap_index or 0) for person in people],
    )
    if keypoints is not None and header.keypoints != keypoints:
        raise HeatmapError(
            f"{kept.heatmaps_path} holds {header.keypoints} keypoints a person, but field {pose_field!r} has "
            f"{keypoints}: run estimate_poses again with overwrite"
        )
    return header, heatmaps


def _is_anothers(path: str, owner: str, dataset: fo.Dataset) -> bool:
    """Whether a file of another sample id was swapped in: its sample is, or was, in the same dataset.

    Samples that were copied or merged into another dataset have new ids, and their files the old ones.
    """
    own_folder = store.default_root() / dataset_id(dataset)
    if PurePath(path).is_relative_to(own_folder):
        return True
    is_id = len(owner) == OBJECT_ID_DIGITS and not set(owner) - set("0123456789abcdef")
    return is_id and len(all_samples(dataset).select(owner)) > 0


def _roots(path: str) -> list[Path]:
    """Name the folders in which a file of heatmaps may lie: the store, and that of an import.

    FiftyOne's importer leaves the files of ``poses.heatmaps_path`` where the export has them, in
    ``<folder>/fields/poses.heatmaps_path``; the photos may have moved on since. That the path itself says so
    does no harm: nothing but heatmaps of this run and sample is read there, and no symlink is followed.
    """
    imports = [
        Path(folder.parent)
        for folder in PurePath(path).parents
        if folder.parent.name == "fields" and folder.name.endswith(".heatmaps_path")
    ]
    return [store.default_root(), *imports]
