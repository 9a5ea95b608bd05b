"""Bring what a plan lacks: the weights of its model and of its detector, downloaded once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias

from fo_pose_plugin.models import catalog
from fo_pose_plugin.tasks.estimate_poses import EstimatePlan, Progress, plan_estimate
from fo_pose_plugin.tasks.models import DownloadProgress

Fetch: TypeAlias = Callable[[str], Generator[DownloadProgress, None, object]]

__all__ = ["fetch_missing", "missing_bytes"]


def missing_bytes(plan: EstimatePlan) -> int:
    """Give how much a plan's run downloads first, roughly; 0 where everything is here."""
    lacking = [
        known
        for known in (plan.model, plan.detector)
        if known is not None and not known.spec.is_here and known.entry is None
    ]
    return sum(round((known.spec.size_mb or 0.0) * 1e6) for known in lacking)


def fetch_missing(plan: EstimatePlan) -> Generator[Progress, None, EstimatePlan]:
    """Fetch what a plan lacks, and plan again; nothing is written to the dataset.

    Yields:
        How far each download is. Closed meanwhile, what has arrived is kept for the next time.

    Returns:
        The plan with everything here.

    Raises:
        PoseError: If weights cannot be had, or if with them the request cannot be carried out.
    """
    lacking: list[tuple[str, Fetch]] = []
    if plan.model.entry is None:
        lacking.append((plan.model.spec.name, catalog.fetch_model))
    if plan.detector is not None and plan.detector.entry is None:
        lacking.append((plan.detector.spec.name, catalog.fetch_detector))
    for name, fetch in lacking:
        stage = f"downloading the weights of {name}"
        yield Progress(stage, 0, plan.total)
        with closing(fetch(name)) as steps:
            for step in steps:
                yield Progress(stage, 0, plan.total, download=step)
    return plan_estimate(plan.samples, plan.request) if lacking else plan
