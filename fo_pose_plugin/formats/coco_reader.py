"""Read COCO files piece by piece: what they list first, then their people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fo_pose_plugin.core.annotation import BODY_NAMES, WHOLEBODY_KEYPOINTS
from fo_pose_plugin.errors import AnnotationError, FormatError
from fo_pose_plugin.formats import coco
from fo_pose_plugin.formats.coco import CocoCategory, CocoImage
from fo_pose_plugin.formats.json_stream import JsonFile

__all__ = ["CocoHeader", "is_results", "read_entries", "read_header"]


@dataclass(frozen=True, slots=True)
class CocoHeader:
    """What a COCO file says besides its people.

    Args:
        images: By id, in the file's order.
        categories: By id, those that have the chosen category's keypoints.
        all_categories: The names of all categories, by id.
        keypoint_names: Of the chosen category.
        edges: Of the chosen category, from 0.
        keypoints: How many keypoints the people have: 133 of a whole-body file, whose category names 17.
        problems: What was wrong: kind and example.
    """

    images: Mapping[int, CocoImage]
    categories: Mapping[int, CocoCategory]
    all_categories: Mapping[int, str]
    keypoint_names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    keypoints: int
    problems: tuple[tuple[str, str], ...]


def is_results(file: JsonFile) -> bool:
    """Whether a file is a list of results, and not an object of annotations.

    Raises:
        FormatError: If it is neither, or malformed.
    """
    kind = file.kind()
    if kind == "value":
        raise FormatError(
            f"{file.name} is neither a COCO file of annotations (an object) nor of results (a list)"
        )
    return kind == "list"


def read_header(file: JsonFile) -> CocoHeader:
    """Read what a file of annotations lists, in three passes of which the last ends at the first person.

    Where several categories have keypoints, "person" is chosen, or else the first, with those that share its
    keypoints.

    Raises:
        FormatError: If it is malformed, or lists no images, or no category with keypoints.
    """
    problems: list[tuple[str, str]] = []
    images = _read_images(file, problems)
    found: dict[int, CocoCategory] = {}
    names: dict[int, str] = {}
    for raw in file.items("categories.item"):
        try:
            category = coco.parse_category(raw)
        except AnnotationError as error:
            problems.append((error.kind, error.detail))
            continue
        names[raw["id"]] = raw["name"]
        if category is not None:
            found[category.category_id] = category
    if not found:
        raise FormatError(
            f"{file.name} lists no category with keypoints: expected 'categories' with 'keypoints' and "
            "'skeleton'"
        )
    chosen = next((c for c in found.values() if c.name == "person"), next(iter(found.values())))
    sharing = {i: c for i, c in found.items() if c.keypoint_names == chosen.keypoint_names}
    keypoints = WHOLEBODY_KEYPOINTS if _is_wholebody(file, chosen) else len(chosen.keypoint_names)
    return CocoHeader(images, sharing, names, chosen.keypoint_names, chosen.edges, keypoints, tuple(problems))


def _read_images(file: JsonFile, problems: list[tuple[str, str]]) -> dict[int, CocoImage]:
    images: dict[int, CocoImage] = {}
    empty = True
    for raw in file.items("images.item"):
        empty = False
        try:
            image = coco.parse_image(raw)
        except AnnotationError as error:
            problems.append((error.kind, error.detail))
            continue
        if image.image_id in images:
            problems.append(("image ids that come twice: the first is taken", f"image {image.image_id}"))
        else:
            images[image.image_id] = image
    if empty:
        raise FormatError(f"{file.name} lists no 'images': expected a COCO file of annotations")
    return images


def _is_wholebody(file: JsonFile, category: CocoCategory) -> bool:
    """Whether the people have 133 keypoints, though the category names the body's 17."""
    if list(category.keypoint_names) != BODY_NAMES:
        return False
    for raw in file.items("annotations.item"):
        if isinstance(raw, Mapping) and raw.get("category_id") == category.category_id:
            flat = raw.get("keypoints")
            return coco.has_parts(raw) or (isinstance(flat, list) and len(flat) == 3 * WHOLEBODY_KEYPOINTS)
    return False


def read_entries(file: JsonFile, *, results: bool) -> Iterator[Mapping[str, Any]]:
    """Give the annotations, or the results, one by one.

    Raises:
        FormatError: If the file is malformed, or an entry is no object.
    """
    for index, raw in enumerate(file.items("item" if results else "annotations.item")):
        if not isinstance(raw, Mapping):
            raise FormatError(f"{file.name}: entry {index:,} of its annotations is no object")
        yield raw
