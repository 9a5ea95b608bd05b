"""The errors this package raises.

    PoseError
    |-- InstallationError        a package or program is missing, or of a version that cannot work
    |-- ModelError
    |   |-- UnknownModelError    no model or detector of that name
    |   |-- ConfigError          a config that is not a top-down heatmap model, or cannot be read
    |   |-- CheckpointError      weights that are missing, damaged, of another model, or not to be trusted
    |   `-- DownloadError        weights that cannot be downloaded or kept
    |       `-- SourceError      one address that does not give them; another may
    |-- InputError
    |   |-- BoxSourceError       where the people's boxes come from is missing, doubled or of the wrong type
    |   |-- BoxError             one box is empty, inverted, not finite or outside its image
    |   |-- MediaTypeError       videos, groups, patches, frames, or whatever else is no plain image
    |   |-- FieldError           a field of the wrong type, with another skeleton, or already filled
    |   |-- CorrectionError      a correction that contradicts itself, or cannot be made here
    |   |-- EvaluationError      an evaluation that is unknown or exists already, or nothing to evaluate
    |   |-- ImageReadError       a file that is missing or is no image
    |   |-- KeypointNameError    a keypoint or group that the skeleton does not have
    |   |-- FormatError          a file of annotations that is malformed, or not of its format
    |   |   `-- AnnotationError  one annotation of it cannot be used
    |   `-- ShapeError           an array of the wrong shape
    |-- ExportError              a file that cannot be written
    |-- HeatmapError             a kept heatmap that is missing, damaged, or not where it may be
    `-- RunError                 a run that is unknown, still running, or not the same as the one to resume

Every message names the value, what was expected and what to do next.
"""

from __future__ import annotations

__all__ = [
    "AnnotationError",
    "BoxError",
    "BoxSourceError",
    "CheckpointError",
    "ConfigError",
    "CorrectionError",
    "DownloadError",
    "EvaluationError",
    "ExportError",
    "FieldError",
    "FormatError",
    "HeatmapError",
    "ImageReadError",
    "InputError",
    "InstallationError",
    "KeypointNameError",
    "MediaTypeError",
    "ModelError",
    "PoseError",
    "RunError",
    "ShapeError",
    "SourceError",
    "UnknownModelError",
]


class PoseError(Exception):
    """Any error that this package raises on purpose."""


class InstallationError(PoseError):
    """A package or program is missing, or of a version that cannot work."""


class ModelError(PoseError):
    """A model cannot be found, built or loaded."""


class UnknownModelError(ModelError):
    """No model or detector bears that name."""


class ConfigError(ModelError):
    """A config cannot be read, or describes no top-down heatmap model."""


class CheckpointError(ModelError):
    """Weights are missing, damaged, of another model, or not to be trusted."""


class DownloadError(ModelError):
    """Weights cannot be downloaded, or not be kept."""


class SourceError(DownloadError):
    """One address does not give the weights; another may."""


class InputError(PoseError):
    """Something that the caller passed, or that a sample holds, cannot be used."""


class BoxSourceError(InputError):
    """Where the people's boxes come from is missing, doubled or of the wrong type."""


class BoxError(InputError):
    """One box is empty, inverted, not finite or outside its image."""


class MediaTypeError(InputError):
    """The samples are no plain images."""


class FieldError(InputError):
    """A field has the wrong type, holds another skeleton, or is already filled."""


class CorrectionError(InputError):
    """A correction contradicts itself, or cannot be made on this person."""


class EvaluationError(InputError):
    """An evaluation is unknown or exists already, or there is nothing to evaluate."""


class ImageReadError(InputError):
    """A file is missing, unreadable or no image."""


class KeypointNameError(InputError):
    """The skeleton has no such keypoint or group."""


class FormatError(InputError):
    """A file of annotations is malformed, or not of its format."""


class AnnotationError(FormatError):
    """One annotation of a file cannot be used; the others can.

    Args:
        kind: What is wrong, in the words under which such annotations are counted.
        detail: What is wrong with this one.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class ShapeError(InputError):
    """An array has the wrong shape.

    Args:
        name: The array's name.
        actual: Its shape.
        expected: What was expected, in words or symbols, e.g. ``(N, K, 2)``.
    """

    def __init__(self, name: str, actual: tuple[int, ...], expected: str) -> None:
        super().__init__(f"{name} has shape {actual}, expected {expected}")
        self.actual = actual
        self.expected = expected


class ExportError(PoseError):
    """A file cannot be written."""


class HeatmapError(PoseError):
    """A kept heatmap is missing, damaged, or not where it may be."""


class RunError(PoseError):
    """A run is unknown, still running, or not the same as the one to resume."""
