"""A delegated run: queued, carried out by FiftyOne's own service, with its progress and result kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real_models import BODY, register_real_models

if TYPE_CHECKING:
    import fiftyone as fo

URI = "@fo-pose/fo_pose_plugin/estimate_poses"


@pytest.mark.slow
def test_a_delegated_run_keeps_its_progress_and_report(
    shared_data: Path, coco_test_dataset: Callable[..., fo.Dataset]
) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    register_real_models(shared_data)
    dataset = coco_test_dataset(limit=2)
    service = DelegatedOperationService()
    foo.execute_operator(
        URI,
        {"view": dataset.view()},
        params={"model": BODY, "boxes": "ground_truth_boxes"},
        request_delegation=True,
    )
    (queued,) = service.list_operations(operator=URI, dataset_name=dataset.name)
    assert not dataset.has_field("poses")

    service.execute_queued_operations(operator=URI, dataset_name=dataset.name, limit=1)

    done = service.get(queued.id)
    assert done.run_state == "completed", done.result and done.result.error
    assert done.result.result["samples"] == 2
    assert done.result.result["people"] == dataset.count("ground_truth_boxes.detections")
    assert done.status.progress == 1
    assert "2 of 2 images" in done.status.label
    dataset.reload()
    assert len(dataset.exists("poses.run_id")) == 2
