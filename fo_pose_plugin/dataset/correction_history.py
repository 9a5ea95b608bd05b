"""What was accepted or taken away many at once, so that it can be undone: custom runs of the dataset.

What is needed stands in a run's results, which FiftyOne keeps in GridFS: their size has no limit. Of each
pose field the newest `KEPT` are kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import read_run_configs
from fo_pose_plugin.errors import RunError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = ["KEPT", "HistoryEntry", "list_history", "load_history", "store_history"]

METHOD = "fo_pose_plugin/corrections"
KEPT = 20


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What became of one person's correction.

    Args:
        sample_id: Their sample.
        label_id: The correction's label.
        taken: The correction that was taken away, as the database had it; None for one that was made.
        revision: Of the one that was made: only at this revision it may be taken away again.
    """

    sample_id: str
    label_id: str
    taken: Mapping[str, Any] | None
    revision: int = 1


def store_history(
    dataset: fo.Dataset, fields: PoseFields, action: str, edited_by: str, entries: Sequence[HistoryEntry]
) -> str:
    """Keep what is about to be done, and forget the oldest of the field; give the key."""
    from bson import json_util

    now = datetime.now(timezone.utc)
    key = f"{fields.poses}_history_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
    config = {
        "method": METHOD,
        "pose_field": fields.poses,
        "action": action,
        "people": len(entries),
        "samples": len({entry.sample_id for entry in entries}),
        "edited_by": edited_by,
        "edited_at": now.isoformat(),
    }
    dataset.reload()  # FiftyOne answers from memory, and would not know another process's run
    dataset.register_run(key, dataset.init_run(**config))
    rows = [[entry.sample_id, entry.label_id, entry.taken, entry.revision] for entry in entries]
    # As MongoDB's own JSON: ids, times and NaN come back as they were.
    results = dataset.init_run_results(key, entries=json_util.dumps(rows))
    dataset.save_run_results(key, results, cache=False)
    for old in list(list_history(dataset, fields))[KEPT:]:
        dataset.delete_run(old)
    return key


def list_history(dataset: fo.Dataset, fields: PoseFields) -> dict[str, dict[str, Any]]:
    """Give what was done to a field's corrections by key, the newest first."""
    found = {
        key: config
        for key, config in read_run_configs(dataset, METHOD).items()
        if config.get("pose_field") == fields.poses
    }
    return dict(sorted(found.items(), key=lambda item: str(item[1].get("edited_at")), reverse=True))


def load_history(
    dataset: fo.Dataset, fields: PoseFields, key: str | None
) -> tuple[str, dict[str, Any], list[HistoryEntry]]:
    """Give what was kept under a key, or the newest.

    Raises:
        RunError: If there is nothing of that key; it says what there is.
    """
    from bson import json_util

    known = list_history(dataset, fields)
    chosen = next(iter(known), None) if key is None else key
    if chosen is None or chosen not in known:
        asked = "nothing was" if key is None else f"no {key!r} is"
        raise RunError(
            f"{asked} kept of corrections of {fields.poses!r}; kept are: {', '.join(known) or 'none'}"
        )
    dataset.reload()
    results = dataset.load_run_results(chosen, cache=False)
    rows = json_util.loads(results.entries) if results is not None else []
    return chosen, known[chosen], [HistoryEntry(*row) for row in rows]
