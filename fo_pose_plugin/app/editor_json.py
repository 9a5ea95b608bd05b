"""The pose editor's values as plain JSON; fo_pose_plugin/app/editor/src reads exactly these names."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from fo_pose_plugin.tasks.editor_people import (
    CorrectedPerson,
    EditorPerson,
    SourcePerson,
    SuggestedFix,
)
from fo_pose_plugin.tasks.editor_sample import EditorSample
from fo_pose_plugin.tasks.pose_evidence import PoseEvidence

__all__ = ["data_url", "editor_json", "evidence_json", "person_json"]


def editor_json(sample: EditorSample) -> dict[str, Any]:
    """Describe a sample; whoever answers adds what the server alone knows."""
    skeleton = sample.skeleton
    return {
        "dataset_id": sample.dataset_id,
        "pose_fields": list(sample.pose_fields),
        "pose_field": sample.pose_field,
        "corrected_field": sample.corrected_field,
        "keypoint_names": list(skeleton.keypoint_names),
        "edges": [list(edge) for edge in skeleton.edges],
        "groups": {name: list(indices) for name, indices in skeleton.groups.items()},
        "flip_indices": list(skeleton.flip_indices),
        "parents": list(sample.parents),
        "limbs": {name: list(indices) for name, indices in sample.limbs.items()},
        "image_size_wh": _list(sample.size_wh),
        "image_problem": sample.image_problem,
        "can_save": sample.read_only is None,
        "read_only": sample.read_only,
        "people": [person_json(person) for person in sample.people],
        "notes": list(sample.notes),
    }


def person_json(person: EditorPerson) -> dict[str, Any]:
    """Describe one person."""
    return {
        "key": person.key,
        "source": None if person.source is None else _source_json(person.source),
        "corrected": None if person.corrected is None else _corrected_json(person.corrected),
    }


def evidence_json(evidence: PoseEvidence) -> dict[str, Any]:
    """Describe a person's heatmaps."""
    atlas = evidence.atlas
    return {
        "atlas": {
            "src": data_url("png", atlas.png),
            "columns": atlas.columns,
            "size_wh": list(atlas.size_wh),
            "peaks": list(atlas.peaks),
            "scale_max": evidence.scale_max,
            "heatmap_to_image": evidence.heatmap_to_image.tolist(),
        },
        "candidates": [
            [{"x_px": c.xy[0], "y_px": c.xy[1], "value": c.value, "share": c.share} for c in candidates]
            for candidates in evidence.candidates
        ],
        "note": evidence.note,
        "witness": evidence.witness,
    }


def data_url(kind: str, content: bytes) -> str:
    """Give a picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _source_json(source: SourcePerson) -> dict[str, Any]:
    return {
        "label_id": source.label_id,
        "points_px": [_list(point) for point in source.points],
        "visible": list(source.visible),
        "origin": source.origin,
        "confidence": list(source.confidence),
        "score": source.score,
        "doubt": source.doubt,
        "keypoint_doubt": _list(source.keypoint_doubt),
        "why": source.why,
        "bbox_px": _list(source.bbox),
        "has_heatmaps": source.has_heatmaps,
        "fix": None if source.fix is None else _fix_json(source.fix),
    }


def _fix_json(fix: SuggestedFix) -> dict[str, Any]:
    points = [
        {"index": index, "x_px": x, "y_px": y, "visible": visible} for index, (x, y), visible in fix.points
    ]
    return {"kind": fix.kind, "why": fix.why, "points": points}


def _corrected_json(corrected: CorrectedPerson) -> dict[str, Any]:
    return {
        "label_id": corrected.label_id,
        "points_px": [_list(point) for point in corrected.points],
        "visible": list(corrected.visible),
        "origin": list(corrected.origin),
        "status": corrected.status,
        "revision": corrected.revision,
        "edited_at": corrected.edited_at,
        "edited_by": corrected.edited_by,
        "bbox_px": _list(corrected.bbox),
        "source_id": corrected.source_id,
        "source_gone": corrected.source_gone,
    }


def _list(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)
