"""The operator `read_heatmaps`: what the panel "Heatmaps" asks for. Nobody starts it by hand."""

from __future__ import annotations

import base64
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.forms import read_heatmaps_request
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.browse_heatmaps import (
    HeatmapPictures,
    PersonPicture,
    SamplePeople,
    list_people,
    read_person,
)

__all__ = ["ReadHeatmaps"]


class ReadHeatmaps(foo.Operator):
    """Give the open sample's people, or one of them with all heatmaps."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="read_heatmaps",
            label="Read heatmaps",
            description="Give the panel 'Heatmaps' one person's crop and heatmaps",
            icon="/fo_pose_plugin/app/icons/pose.svg",
            unlisted=True,
            risk_level=types.RiskLevel.LOW,
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Read from the dataset, whatever the App's view shows of it.

        Returns:
            ``people`` or ``person``; ``problem`` alone says why there is neither.
        """
        try:
            request = read_heatmaps_request(ctx.params)
            if request.label_id is None or request.pose_field is None:
                return {"people": _people(list_people(ctx.dataset, request.sample_id, request.pose_field))}
            person = read_person(ctx.dataset, request.sample_id, request.pose_field, request.label_id)
        except PoseError as error:
            return {"problem": str(error)}
        return {"person": _person(person)}


def _people(found: SamplePeople) -> dict[str, Any]:
    return {
        "pose_fields": list(found.pose_fields),
        "pose_field": found.pose_field,
        "keypoint_names": list(found.skeleton.keypoint_names),
        "groups": {name: list(indices) for name, indices in found.skeleton.groups.items()},
        "people": [
            {
                "label_id": person.label_id,
                "score": person.score,
                "thumbnail": None if person.thumbnail is None else _data_url("jpeg", person.thumbnail),
            }
            for person in found.people
        ],
    }


def _person(person: PersonPicture) -> dict[str, Any]:
    return {
        "picture": {"src": _data_url("jpeg", person.jpeg), "size_wh": list(person.size_wh)},
        "points": [None if point is None else list(point) for point in person.points],
        "confidence": list(person.confidence),
        "heatmaps": None if person.heatmaps is None else _heatmaps(person.heatmaps),
        "problem": person.problem,
    }


def _heatmaps(heatmaps: HeatmapPictures) -> dict[str, Any]:
    atlas = heatmaps.atlas
    return {
        "src": _data_url("png", atlas.png),
        "columns": atlas.columns,
        "size_wh": list(atlas.size_wh),
        "peaks": list(atlas.peaks),
        "scale_max": heatmaps.scale_max,
        "to_picture": heatmaps.heatmap_to_picture.tolist(),
        "note": heatmaps.note,
    }


def _data_url(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
