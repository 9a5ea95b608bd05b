"""Measure what kept heatmaps take on disk and what they lose: `python benchmarks/heatmap_sizes.py`.

Runs the models of ../shared/data over its photos, on the ground truth's boxes, and the demo's models over
drawings, and prints Markdown tables; `make heatmap-sizes` writes them to docs/heatmaps.md.
Errors are in heatmap pixels, between decoding the network's own maps and decoding what was kept.
"""

from __future__ import annotations

import argparse
import bz2
import json
import lzma
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
sys.path.insert(0, str(REPOSITORY))

from fo_pose_plugin.demo.drawn_people import draw_scene  # noqa: E402
from fo_pose_plugin.heatmaps import encoding, quantising  # noqa: E402
from fo_pose_plugin.inference.decoding import decode_heatmaps  # noqa: E402
from fo_pose_plugin.inference.estimator import PoseEstimator, cut_people  # noqa: E402
from fo_pose_plugin.inference.images import read_image  # noqa: E402
from fo_pose_plugin.models.codecs import CodecKind, CodecSpec  # noqa: E402
from fo_pose_plugin.models.configs import pose_metainfo, read_config  # noqa: E402
from fo_pose_plugin.models.pose_network import build_pose_network  # noqa: E402

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Photo: TypeAlias = tuple[Path, list[list[float]]]

ANNOTATIONS = ("coco_test/test_coco.json", "coco_mini/person_keypoints.json")
MODELS = {
    "body": ("td-hm_tinypose_coco-256x192.py", "tinypose_coco_256x192.pth"),
    "body 128x96": ("td-hm_tinypose_coco-128x96.py", "tinypose_coco_128x96.pth"),
    "whole-body fixture": (
        "td-hm_tinypose_coco-wholebody-256x192.py",
        "tinypose_wholebody_FIXTURE_256x192.pth",
    ),
}
DEMO_MODELS = REPOSITORY / "fo_pose_plugin" / "demo" / "models"
# Model, and another size of its input (width, height) than the one it was trained on. The network is made of
# convolutions alone, so that it gives clean maps there too: what 133 maps of the usual size take.
DRAWN: dict[str, tuple[str, tuple[int, int] | None]] = {
    "drawn people, body": ("demo_body", None),
    "drawn people, whole body": ("demo_wholebody", None),
    "drawn people, whole body, input 256x192": ("demo_wholebody", (192, 256)),
}
DRAWINGS = range(500_000, 500_040)  # seeds that no model was trained on
DECODERS: tuple[CodecKind, ...] = ("msra", "dark", "udp", "udp_combined", "megvii")
TOLERANCE_PX = 0.1
COMPARED_PHOTOS = 12


@dataclass
class Sizes:
    """What was measured for one model.

    Args:
        title: Its name and settings.
        heatmap_shape: (K, h, w).
        people: How many.
        stored: Bytes of all files.
        encode_ms: Processor time per person.
        decode_ms: The same for reading.
        errors_px: Distances by decoder, all people's keypoints.
        evidence: Differences of the review's measures, by name, where the peak is above 0.2.
    """

    title: str
    heatmap_shape: tuple[int, int, int] = (0, 0, 0)
    people: int = 0
    stored: int = 0
    encode_ms: float = 0.0
    decode_ms: float = 0.0
    errors_px: dict[str, list[Float64]] = field(default_factory=dict)
    evidence: dict[str, list[Float64]] = field(default_factory=dict)


def photos() -> Iterator[Photo]:
    """Give each photo with the boxes (xyxy, px) of its people that have keypoints."""
    for name in ANNOTATIONS:
        file = SHARED_DATA / name
        content = json.loads(file.read_text())
        boxes: dict[int, list[list[float]]] = {}
        for person in content["annotations"]:
            if person["num_keypoints"] and not person.get("iscrowd"):
                x, y, w, h = person["bbox"]
                boxes.setdefault(person["image_id"], []).append([x, y, x + w, y + h])
        for image in content["images"]:
            if image["id"] in boxes:
                yield file.parent / image["file_name"], boxes[image["id"]]


def run_model(config: str, weights: str, *, flip_test: bool, limit: int) -> Iterator[Float32]:
    """Give each photo's heatmaps, (N, K, h, w)."""
    read = read_config(SHARED_DATA / "models" / config)
    network = build_pose_network(
        read, pose_metainfo(read), str(SHARED_DATA / "models" / weights), device="cpu"
    )
    estimator = PoseEstimator(network, flip_test=flip_test, keep_heatmaps=True)
    images = (
        cut_people(path.name, read_image(path), boxes, network.spec) for path, boxes in list(photos())[:limit]
    )
    for _, poses in estimator.estimate(images):
        if poses.heatmaps is not None:
            yield poses.heatmaps


def run_drawn(
    model: str, input_wh: tuple[int, int] | None, *, flip_test: bool, limit: int
) -> Iterator[Float32]:
    """Give each drawing's heatmaps, (N, K, h, w)."""
    read = read_config(DEMO_MODELS / f"{model}.py")
    if input_wh is not None:
        _resize_input(read, input_wh)
    weights = str(DEMO_MODELS / f"{model}.pth")
    network = build_pose_network(read, pose_metainfo(read), weights, device="cpu")
    estimator = PoseEstimator(network, flip_test=flip_test, keep_heatmaps=True)
    scenes = [draw_scene(seed) for seed in DRAWINGS[:limit]]
    images = (
        cut_people(str(index), scene.image_bgr, [list(p.bbox_xyxy) for p in scene.people], network.spec)
        for index, scene in enumerate(scenes)
    )
    for _, poses in estimator.estimate(images):
        if poses.heatmaps is not None and len(poses.heatmaps):
            yield poses.heatmaps


def _resize_input(config: dict[str, Any], input_wh: tuple[int, int]) -> None:
    """Write another input size, and a quarter of it for the heatmaps, wherever a config tells them."""
    for key, value in config.items():
        if key == "input_size":
            config[key] = input_wh
        elif key == "heatmap_size":
            config[key] = (input_wh[0] // 4, input_wh[1] // 4)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                _resize_input(part, input_wh)


def measure(title: str, samples: Sequence[Float32]) -> Sizes:
    """Keep and read back the heatmaps of each sample, and compare."""
    result = Sizes(title, samples[0].shape[1:])
    for heatmaps in samples:
        start = time.process_time()
        data = encoding.encode_heatmaps(heatmaps, origin="run_20260101_000000/" + "0" * 24)
        encoded = time.process_time()
        kept = encoding.decode_heatmaps(data)
        result.decode_ms += (time.process_time() - encoded) * 1e3
        result.encode_ms += (encoded - start) * 1e3
        result.people += len(heatmaps)
        result.stored += len(data)
        for kind in DECODERS:
            result.errors_px.setdefault(kind, []).append(keypoint_distances(heatmaps, kept, kind))
        for name, function in EVIDENCE.items():
            strong = heatmaps.max(axis=(2, 3)).ravel() > 0.2
            before, after = function(heatmaps)[strong], function(kept)[strong]
            result.evidence.setdefault(name, []).append(np.abs(after - before))
    return result


def keypoint_distances(heatmaps: Float32, kept: Float32, kind: CodecKind) -> Float64:
    """Decode both as one codec would, and give the distances, heatmap_px; infinite where one has none."""
    size_wh = (heatmaps.shape[3], heatmaps.shape[2])
    # Input and heatmap of one size: what is decoded is heatmap_px.
    codec = CodecSpec(kind, size_wh, size_wh)
    points = [decode_heatmaps(_channels(maps, kind), codec).keypoints_input_px for maps in (heatmaps, kept)]
    missing = [np.isnan(p).any(axis=-1) for p in points]
    distances = np.linalg.norm(points[0].astype(np.float64) - points[1], axis=-1)
    distances[missing[0] & missing[1]] = 0
    distances[missing[0] != missing[1]] = np.inf
    flat: Float64 = distances.ravel()
    return flat


def _channels(heatmaps: Float32, kind: CodecKind) -> Float32:
    """Scale as Megvii's are, or put empty offset maps beside them: the smoothed peak's place remains."""
    if kind == "megvii":
        scaled: Float32 = heatmaps * np.float32(255)
        return scaled
    if kind != "udp_combined":
        return heatmaps
    n, k, h, w = heatmaps.shape
    channels = np.zeros((n, k, 3, h, w), dtype=np.float32)
    channels[:, :, 0] = heatmaps
    flat: Float32 = channels.reshape(n, 3 * k, h, w)
    return flat


def second_peak_ratio(heatmaps: Float32) -> Float64:
    """The highest local maximum 5 px or more from the first one, over the first; (N * K,)."""
    ratios = []
    for tile in heatmaps.reshape(-1, *heatmaps.shape[2:]):
        y, x = np.unravel_index(tile.argmax(), tile.shape)
        rest = np.where(tile >= cv2.dilate(tile, np.ones((3, 3), np.uint8)), tile, 0)
        rest[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 0
        ratios.append(rest.max() / max(tile.max(), 1e-9))
    return np.array(ratios, dtype=np.float64)


def _shares(heatmaps: Float32, above: float) -> Float64:
    """Give the values above a fraction of the peak as shares of their sum, (N * K, h * w)."""
    tiles = heatmaps.reshape(heatmaps.shape[0] * heatmaps.shape[1], -1).astype(np.float64)
    tiles = np.where(tiles > np.maximum(above * tiles.max(axis=1, keepdims=True), 0), tiles, 0)
    shares: Float64 = tiles / np.maximum(tiles.sum(axis=1, keepdims=True), 1e-12)
    return shares


def entropy(heatmaps: Float32, above: float = 0.0) -> Float64:
    """Of the values above a fraction of the peak, in nats; (N * K,)."""
    shares = _shares(heatmaps, above)
    result: Float64 = -(shares * np.log(np.maximum(shares, 1e-30))).sum(axis=1)
    return result


def spread(heatmaps: Float32, above: float = 0.0) -> Float64:
    """Root mean square distance from the centre of the values above a fraction of the peak; (N * K,)."""
    shares = _shares(heatmaps, above)
    y, x = (axis.ravel().astype(np.float64) for axis in np.mgrid[: heatmaps.shape[2], : heatmaps.shape[3]])
    variance = sum(shares @ axis**2 - (shares @ axis) ** 2 for axis in (x, y))
    result: Float64 = np.sqrt(np.maximum(variance, 0))
    return result


EVIDENCE: dict[str, Callable[[Float32], Float64]] = {
    "second peak / first": second_peak_ratio,
    "entropy, nats, above 0": entropy,
    "entropy, above 5 % of the peak": lambda maps: entropy(maps, 0.05),
    "spread, px, above 0": spread,
    "spread, above 5 % of the peak": lambda maps: spread(maps, 0.05),
}


def plain_share_moved(samples: Sequence[Float32]) -> float:
    """Give the share of MSRA keypoints that rounding to 8 bits, 255 levels and no repair, would move."""
    moved = []
    for heatmaps in samples:
        low, high = heatmaps.min(axis=(2, 3), keepdims=True), heatmaps.max(axis=(2, 3), keepdims=True)
        span = np.maximum(high - low, np.float32(1e-12))
        rounded = np.rint((heatmaps - low) / span * 255) / np.float32(255) * span + low
        moved.append(keypoint_distances(heatmaps, rounded.astype(np.float32), "msra") > 0)
    return float(np.concatenate(moved).mean())


def _png(atlas: npt.NDArray[np.uint8], filter_type: int) -> bytes:
    flags = (cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_FILTER, filter_type)
    packed: bytes = cv2.imencode(".png", atlas, [*flags, cv2.IMWRITE_PNG_STRATEGY, 1])[1].tobytes()
    return packed


def compare_compressions(samples: Sequence[Float32]) -> list[tuple[str, float, float]]:
    """Compress the same levels in other ways; (name, bytes per person, processor ms per person)."""

    def residuals(levels: npt.NDArray[np.uint8]) -> bytes:
        return encoding._residuals(levels).tobytes()

    def atlas(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        n, k, h, w = levels.shape
        return np.ascontiguousarray(levels.transpose(0, 2, 1, 3).reshape(n * h, k * w))

    ways: dict[str, Callable[[npt.NDArray[np.uint8]], int]] = {
        "residuals, bz2 (kept)": lambda q: sum(len(bz2.compress(residuals(p), 1)) for p in q),
        "residuals, zlib 9": lambda q: len(zlib.compress(residuals(q), 9)),
        "residuals, lzma 6": lambda q: len(lzma.compress(residuals(q), preset=6)),
        "WebP lossless": lambda q: len(
            cv2.imencode(".webp", atlas(q), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
        ),
        "PNG, Paeth": lambda q: len(_png(atlas(q), cv2.IMWRITE_PNG_FILTER_PAETH)),
        "PNG, no filter": lambda q: len(_png(atlas(q), cv2.IMWRITE_PNG_FILTER_NONE)),
    }
    quantised = []
    for heatmaps in samples:
        tiles = heatmaps.reshape(-1, heatmaps.shape[2] * heatmaps.shape[3])
        levels = quantising.quantise(tiles, quantising.find_ranges(tiles), heatmaps.shape[3])
        quantised.append(levels.reshape(heatmaps.shape))
    people = sum(len(levels) for levels in quantised)
    rows = []
    for name, way in ways.items():
        start = time.process_time()
        size = sum(way(levels) for levels in quantised)
        rows.append((name, size / people, (time.process_time() - start) / people * 1e3))
    return rows


def size_row(result: Sizes) -> str:
    """One line of the table of sizes."""
    k, h, w = result.heatmap_shape
    values = result.people * k * h * w
    cells = [result.title, f"{result.people}", f"{k}x{h}x{w}", f"{values * 4 / result.people / 1000:,.0f}"]
    cells += [f"{result.stored / result.people / 1000:.2f}", f"{result.stored * 8 / values:.2f}"]
    cells += [f"{result.encode_ms / result.people:.1f}", f"{result.decode_ms / result.people:.1f}"]
    return " | ".join(cells)


def error_row(result: Sizes) -> str:
    """One line of the table of errors."""
    cells = [result.title]
    for kind in DECODERS:
        errors = np.concatenate(result.errors_px[kind])
        if kind == "msra":
            cells.append(f"{(errors == 0).mean():.2%}")
        else:
            cells.append(f"{(errors <= TOLERANCE_PX).mean():.2%} ({np.percentile(errors, 98):.3f})")
    return " | ".join(cells)


def evidence_row(result: Sizes) -> str:
    """One line of the table of the review's measures."""
    cells = [result.title]
    for name in EVIDENCE:
        differences = np.concatenate(result.evidence[name])
        cells.append(f"{np.percentile(differences, 50):.3f} / {np.percentile(differences, 98):.3f}")
    return " | ".join(cells)


def table(head: Sequence[str], rows: Sequence[str]) -> str:
    """Join a Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def report(limit: int) -> Iterator[str]:
    """Run everything, and give the report piece by piece."""
    results, compressions, moved = [], [], []
    for name, (config, weights) in MODELS.items():
        for flip_test in (True, False):
            title = f"{name}, flip {'on' if flip_test else 'off'}"
            samples = list(run_model(config, weights, flip_test=flip_test, limit=limit))
            results.append(measure(title, samples))
            moved.append(f"{title} | {plain_share_moved(samples):.1%}")
            if flip_test:
                for way, size, ms in compare_compressions(samples[:COMPARED_PHOTOS]):
                    compressions.append(f"{title} | {way} | {size / 1000:.2f} | {ms:.1f}")
    for name, (model, input_wh) in DRAWN.items():
        samples = list(run_drawn(model, input_wh, flip_test=True, limit=limit))
        results.append(measure(f"{name}, flip on", samples))
        moved.append(f"{name}, flip on | {plain_share_moved(samples):.1%}")
    yield (
        "# Kept heatmaps, measured\n\nMade by `make heatmap-sizes`: the small models that the tests use, on "
        "32 photos of COCO with the boxes of the ground truth (the whole-body one is a fixture with noisy "
        "maps), and the demo's models on 40 drawings. Errors are distances between decoding the network's "
        "own maps and decoding what was kept.\n\n"
    )
    yield "## Size, mean per person\n\n"
    head = ["maps", "people", "shape", "float32 kB", "kept kB", "bits per value", "write ms", "read ms"]
    yield table(head, [size_row(result) for result in results])
    body = results[0]
    clean = body.stored / body.people / body.heatmap_shape[0] * 133 / 1000
    yield f"\n133 maps as clean as the body model's, of the same size: {clean:.1f} kB.\n"
    yield f"\n## Decoded again: equal (MSRA), within {TOLERANCE_PX} heatmap px (98th percentile)\n\n"
    head = ["maps", "MSRA", "DARK", "UDP", "combined, the peak", "Megvii"]
    yield table(head, [error_row(result) for result in results])
    yield "\n## How far the review's measures move, peaks above 0.2: median / 98th percentile\n\n"
    yield table(["maps", *EVIDENCE], [evidence_row(result) for result in results])
    yield "\n## MSRA keypoints that plain rounding to 8 bits would move\n\n"
    yield table(["maps", "moved"], moved)
    yield f"\n## Other compressions of the same levels, first {COMPARED_PHOTOS} photos\n\n"
    yield table(["maps", "way", "kB per person", "write ms"], compressions)


def main() -> int:
    """Read the command line and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--photos", type=int, default=sys.maxsize, help="how many photos to use; all by default"
    )
    limit: int = parser.parse_args().photos
    if not SHARED_DATA.is_dir():
        sys.stderr.write(
            f"{SHARED_DATA} is not there: the photos and weights are no part of the repository\n"
        )
        return 1
    for piece in report(limit):
        sys.stdout.write(piece)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
