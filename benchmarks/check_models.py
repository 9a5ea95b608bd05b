"""Build and run every model of the catalogue with random weights: `make check-models`.

Reads MMPose's metafiles and configs anew, builds each model from its config, lets it predict one person of a
picture through the plugin's own path (crop, network with flip test, decoding), counts its parameters and
multiply-adds, and does the same with the detectors. Writes fo_pose_plugin/models/mmpose_models.json and
docs/models.md. Takes some 20 minutes on one core, and 4 GB of memory for the largest model.

    python benchmarks/check_models.py                 everything
    python benchmarks/check_models.py --only swin     the models whose name holds the text
    python benchmarks/check_models.py --only ''       none: what was measured stays, the rest is read anew
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.model_catalogue import Json, make_catalogue, to_text  # noqa: E402
from benchmarks.models_page import page  # noqa: E402
from fo_pose_plugin.errors import PoseError  # noqa: E402
from fo_pose_plugin.inference.estimator import PoseEstimator, cut_people  # noqa: E402
from fo_pose_plugin.models import mmpose_models  # noqa: E402
from fo_pose_plugin.models.configs import pose_metainfo, read_config  # noqa: E402
from fo_pose_plugin.models.mmdet_detectors import DetectorCard, all_detectors  # noqa: E402
from fo_pose_plugin.models.person_detector import build_person_detector, detector_classes  # noqa: E402
from fo_pose_plugin.models.pose_network import PoseNetwork, build_pose_network  # noqa: E402

UInt8: TypeAlias = npt.NDArray[np.uint8]

PAGE = REPOSITORY / "docs" / "models.md"
MEASURED = ("parameters_m", "gflops", "size_mb", "problem")
PICTURE_WH = (640, 480)
BOX_XYXY = (220.0, 60.0, 400.0, 440.0)
# Megvii's decoder adds it to the peak's height to make the score.
MEGVII_OFFSET = 0.5
# What building or running a model may fail of.
FAULTS = (PoseError, ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, RuntimeError)
FAULTS += (TypeError, ValueError)


def picture() -> UInt8:
    """Make a picture with structure at all scales, as photos have, the same each time."""
    rng = np.random.default_rng(0)
    mixed = np.zeros((PICTURE_WH[1], PICTURE_WH[0], 3))
    for cells in (4, 16, 64, 256):
        noise = rng.normal(size=(cells, cells, 3))
        mixed += cv2.resize(noise, PICTURE_WH, interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    mixed = (mixed - mixed.min()) / (mixed.max() - mixed.min())
    return (mixed * 255).astype(np.uint8)


def check_model(config_path: str, image_bgr: UInt8) -> Json:
    """Build a model, let it predict, and count.

    Returns:
        ``parameters_m``, ``gflops``, ``size_mb`` and ``problem``, which is None where all went well.
    """
    import torch

    config = read_config(config_path)
    metainfo = pose_metainfo(config)
    torch.manual_seed(0)
    network = build_pose_network(config, metainfo, None, device="cpu")
    spec = network.spec
    people = cut_people("picture", image_bgr, [np.array(BOX_XYXY)], spec)
    counted = count(network, people.pixels_bgr)
    ((_, poses),) = PoseEstimator(network, flip_test=True, keep_heatmaps=True).estimate([people])
    w, h = spec.codec.heatmap_size_wh
    expected = (1, len(spec.skeleton), h, w)
    if poses.heatmaps is None or poses.heatmaps.shape != expected:
        shape = None if poses.heatmaps is None else poses.heatmaps.shape
        return {**counted, "problem": f"its heatmaps are {shape}, expected {expected}"}
    if not np.isfinite(poses.heatmaps).all():
        return {**counted, "problem": "its heatmaps are not finite"}
    least = MEGVII_OFFSET if spec.codec.kind == "megvii" else 0.0
    if not np.isfinite(poses.keypoints_px[poses.keypoint_scores > least]).all():
        return {**counted, "problem": "a keypoint with a peak above 0 has no place"}
    return {**counted, "problem": None}


def count(network: PoseNetwork, crops_bgr: UInt8) -> Json:
    """Count a network's parameters, the bytes of its weights, and what one person takes."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        network.heatmaps(crops_bgr, flip_test=False)
    return {**size_of(network._model), "gflops": rounded(counter.get_total_flops() / 2e9)}


def size_of(model: Any) -> Json:
    """Count parameters in millions, and the weights' 10^6 bytes: what layers share is in the file once."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    tensors = {value.data_ptr(): value for value in model.state_dict().values()}
    size = sum(value.numel() * value.element_size() for value in tensors.values())
    return {"parameters_m": rounded(parameters / 1e6), "size_mb": round(size / 1e6, 1)}


def rounded(value: float) -> float:
    """Keep three digits, which is what people compare."""
    return float(f"{value:.3g}")


def check_detector(card: DetectorCard, image_bgr: UInt8) -> tuple[Json, str | None]:
    """Build a detector, let it detect, count, and hold that to its card.

    Returns:
        What was counted, and the fault or None.
    """
    from torch.utils.flop_counter import FlopCounterMode

    config = read_config(card.config)
    detector = build_person_detector(config, detector_classes(config), None, device="cpu")
    with FlopCounterMode(display=False) as counter:
        (people,) = detector.detect([image_bgr], min_score=0.0)
    counted = {**size_of(detector._model), "gflops": rounded(counter.get_total_flops() / 2e9)}
    if not np.isfinite(people.bbox_xyxy).all():
        return counted, "its boxes are not finite"
    stated = {key: getattr(card, key) for key in counted}
    return counted, None if stated == counted else f"its card says {stated}"


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def measured_before() -> dict[str, Json]:
    """Read what was measured the time before."""
    if not mmpose_models.PATH.is_file():
        return {}
    models = json.loads(mmpose_models.PATH.read_text(encoding="utf-8"))["models"]
    return {item["name"]: {key: item[key] for key in MEASURED if key in item} for item in models}


def check_models(catalogue: Json, only: str | None, image_bgr: UInt8) -> list[str]:
    """Check the chosen models, writing what is found into the catalogue.

    Returns:
        The names of those that failed.
    """
    chosen = [item for item in catalogue["models"] if only is None or (only and only in item["name"])]
    failed = []
    for number, item in enumerate(chosen, 1):
        began = time.monotonic()
        try:
            if item["network"] is not None:
                item.update(check_model(item["config"], image_bgr))
        except FAULTS as error:
            item["problem"] = f"{type(error).__name__}: {error}".splitlines()[0].partition(": (")[0]
        gc.collect()
        if item["problem"]:
            failed.append(item["name"])
        result = item["problem"] or f"{item['parameters_m']} M, {item['gflops']} GFLOPs"
        say(f"{number}/{len(chosen)} {item['name']}: {result} ({time.monotonic() - began:.1f} s)")
    return failed


def main(arguments: Sequence[str]) -> int:
    """Check, and write the catalogue and the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="TEXT", help="models and detectors whose name holds this text")
    only = parser.parse_args(arguments).only
    warnings.filterwarnings("ignore")
    image = picture()
    say("reading MMPose's metafiles and configs")
    catalogue = make_catalogue(measured_before())
    failed = check_models(catalogue, only, image)
    for card in all_detectors().values():
        if only is None or (only and only in card.name):
            counted, fault = check_detector(card, image)
            say(f"{card.name}: {counted}{f', but {fault}' if fault else ''}")
            failed += [card.name] if fault else []
    mmpose_models.PATH.write_text(to_text(catalogue), encoding="utf-8")
    mmpose_models.all_cards.cache_clear()
    PAGE.write_text(page(mmpose_models.all_cards(), all_detectors(), catalogue), encoding="utf-8")
    say(f"failed: {', '.join(failed) or 'none'}; wrote {mmpose_models.PATH.name} and {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
