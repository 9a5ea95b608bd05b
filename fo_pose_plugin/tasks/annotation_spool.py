"""Sort people by image on the disk: COCO's files hold them in any order, and they need not fit in memory."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, final

from fo_pose_plugin.errors import ExportError

__all__ = ["AnnotationSpool", "open_spool"]

_SCHEMA = "CREATE TABLE people (sample TEXT NOT NULL, person TEXT NOT NULL)"


@contextmanager
def open_spool() -> Iterator[AnnotationSpool]:
    """Open a spool in a folder of its own, which goes with it.

    Raises:
        ExportError: If the disk of temporary files is full.
    """
    with tempfile.TemporaryDirectory(prefix="fo_pose_import_") as folder:
        # A generator may be closed by another thread than the one that began it.
        connection = sqlite3.connect(Path(folder, "people.sqlite"), check_same_thread=False)
        try:
            for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", _SCHEMA):
                connection.execute(statement)
            yield AnnotationSpool(connection)
        except sqlite3.Error as error:
            raise ExportError(
                f"people cannot be sorted by image in {folder}: {error}. Name a larger disk in TMPDIR"
            ) from error
        finally:
            connection.close()


@final
class AnnotationSpool:
    """People's values, added in any order and given back by sample.

    Args:
        connection: An empty table of people.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._count = 0

    def __len__(self) -> int:
        """How many people there are."""
        return self._count

    def add(self, sample_id: str, values: Mapping[str, Any]) -> None:
        """Add a person: plain numbers (NaN too), texts and lists."""
        self._connection.execute("INSERT INTO people VALUES (?, ?)", (sample_id, json.dumps(values)))
        self._count += 1

    def by_sample(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Give the people of one sample after the other, in the order in which they were added."""
        rows = self._connection.execute("SELECT sample, person FROM people ORDER BY sample, rowid")
        for sample_id, group in groupby(rows, key=lambda row: str(row[0])):
            yield sample_id, [json.loads(person) for _, person in group]
