"""Measure how a run's memory, time and storage grow with the number of samples: `make scale`.

Each size is run in a process of its own, with a database and a store of its own, by the demo's body model on
drawn people, one person per image; a few drawings serve many samples. Prints docs/scale.md, in which 100,000
samples are reckoned from the growth between the two sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.accuracy import own_environment  # noqa: E402

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["Growth", "measure"]

SIZES = (1_000, 10_000)
RECKONED = 100_000
DRAWINGS = range(700_000, 700_032)  # seeds that no model was trained on
PAGE_HEAD = """# How a run grows

Made by `make scale`: the demo's body model (17 heatmaps of 48x40) on drawn people, one on each image,
heatmaps kept, flip test off, each size in a process and a database of its own. Seconds are this
machine's and say how time grows, not how fast a model of yours is.

| samples | memory, at most | per person | whole run | heatmaps and overlays | samples in MongoDB |
| --- | --- | --- | --- | --- | --- |
"""
PAGE_END = """
## What to do about 100,000 samples

- **Memory** needs nothing: images are read, estimated and written some at a time, and what a sample
  leaves behind is its id in a list. What is reckoned above takes the growth between the two sizes to go
  on; a part of it is what the system's allocator keeps for later.
- **Time** is the model's. Measure yours on a view of a hundred samples: the report and the progress bar
  say the rate. Run it in the background (*Schedule* in the App, or `fo-pose estimate`); it may be
  stopped and resumed at any time.
- **Disk** is what the form says before the run, for the model's own keypoints: whole-body maps take
  eight times as much ([heatmaps.md](heatmaps.md)). `FO_POSE_HEATMAPS` names a larger disk,
  `keep_heatmaps=False` takes none, and `delete_poses` and `clean_up` give it back.
- **MongoDB** holds keypoints, scores and paths, no pixels. Its own limit is 16 MB for one sample's
  document, which no image of people comes near; the run's record keeps 100 failures at most, whatever
  their number.
- **The App** pages through samples: work in views (`match`, `show_keypoints`, saved views) rather than
  on everything.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a run over some samples took.

    Args:
        samples: How many, one person on each.
        people: How many got poses.
        peak_bytes: The most memory that the process held while the samples went by (resident).
        seconds: From the first sample to the last.
        processor_seconds: Of all of the process's threads, whatever else the machine does meanwhile.
        database_bytes: What the dataset takes in MongoDB after the run, without indexes.
        store_bytes: Heatmaps and overlays on disk.
    """

    samples: int
    people: int
    peak_bytes: int
    seconds: float
    processor_seconds: float
    database_bytes: int
    store_bytes: int


def measure(samples: int, *, model: tuple[Path, Path] | None = None, image_scale: float = 1.0) -> Growth:
    """Run over some samples in a process of its own.

    Args:
        samples: How many.
        model: The config and the weights of another model than the demo's.
        image_scale: By how much the drawings are made smaller. What a network and an image take does not
            grow with the number of samples; with little of either, what is the run's own is left.

    Raises:
        subprocess.CalledProcessError: If the run failed.
    """
    options = ["--one", str(samples), "--image-scale", str(image_scale)]
    if model is not None:
        options += ["--model", *map(str, model)]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, *options],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Growth(**json.loads(ended.stdout.splitlines()[-1]))


def _measure_here(count: int, model: Sequence[str] | None, image_scale: float) -> Growth:
    import fiftyone.core.odm as odm
    import psutil

    import fo_pose_plugin as fop
    from fo_pose_plugin.demo.bundled_models import BODY, bundled_pairs
    from fo_pose_plugin.heatmaps.store import default_root

    name = BODY
    if model is not None:
        name = "given"
        fop.add_model(name, *model)
    else:
        for pair in bundled_pairs():
            fop.add_model(pair.name, pair.config, pair.checkpoint)
    dataset = _make_dataset(count, image_scale)
    peak_bytes, seconds, begun = 0, 0.0, 0.0

    def watch(progress: fop.Progress) -> None:
        nonlocal peak_bytes, seconds, begun
        if progress.run_id:
            begun = begun or time.process_time()
            peak_bytes = max(peak_bytes, psutil.Process().memory_info().rss)
        seconds = progress.seconds

    report = fop.estimate_poses(dataset, name, boxes="boxes", progress=watch)
    if report.failures or report.samples != count:
        raise RuntimeError(f"{report.samples} of {count} samples, {len(report.failures)} failures")
    database = odm.get_db_conn()
    return Growth(
        samples=count,
        people=report.people,
        peak_bytes=peak_bytes,
        seconds=seconds,
        processor_seconds=time.process_time() - begun,
        database_bytes=int(database.command("collstats", dataset._sample_collection_name)["size"]),
        store_bytes=sum(file.stat().st_size for file in default_root().rglob("*") if file.is_file()),
    )


def _make_dataset(count: int, image_scale: float) -> fo.Dataset:
    """Make samples that share a few drawings, each with the box of one person."""
    import cv2
    import fiftyone as fo

    from fo_pose_plugin.demo.drawn_people import draw_scene

    folder = Path(os.environ["FO_POSE_HOME"]) / "drawings"
    folder.mkdir(parents=True)
    drawings = []
    for seed in DRAWINGS:
        scene = draw_scene(seed)
        height, width = scene.image_bgr.shape[:2]
        x1, y1, x2, y2 = scene.people[0].bbox_xyxy
        file = folder / f"{seed}.jpg"
        size_wh = (round(width * image_scale), round(height * image_scale))
        cv2.imwrite(str(file), cv2.resize(scene.image_bgr, size_wh, interpolation=cv2.INTER_AREA))
        drawings.append((str(file), [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]))
    dataset = fo.Dataset()

    def samples() -> Iterator[fo.Sample]:
        for number in range(count):
            path, box = drawings[number % len(drawings)]
            person = fo.Detection(label="person", bounding_box=box)
            yield fo.Sample(filepath=path, boxes=fo.Detections(detections=[person]))

    dataset.add_samples(samples(), num_samples=count, progress=False)
    return dataset


def report(small: Growth, large: Growth) -> str:
    """Write the page: what was measured, and what it amounts to for more samples."""

    def grown(name: str) -> float:
        """The growth from sample to sample between the two sizes, and from there to RECKONED."""
        step = (getattr(large, name) - getattr(small, name)) / (large.samples - small.samples)
        return float(getattr(large, name) + step * (RECKONED - large.samples))

    reckoned = {
        name: grown(name) for name in ("people", "peak_bytes", "seconds", "database_bytes", "store_bytes")
    }
    rows: dict[str, dict[str, float]] = {
        f"{small.samples:,} (measured)": asdict(small),
        f"{large.samples:,} (measured)": asdict(large),
        f"{RECKONED:,} (reckoned)": reckoned,
    }
    lines = [PAGE_HEAD]
    for samples, row in rows.items():
        cells = [
            samples,
            f"{row['peak_bytes'] / 1e6:,.0f} MB",
            f"{row['seconds'] / row['people'] * 1e3:.1f} ms",
            _duration(row["seconds"]),
            f"{row['store_bytes'] / 1e6:,.0f} MB",
            f"{row['database_bytes'] / 1e6:,.1f} MB",
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    memory = large.peak_bytes / small.peak_bytes
    pace = large.processor_seconds / large.people / (small.processor_seconds / small.people)
    lines.append(
        f"\n{large.samples:,} samples took {memory:.3f} times the memory of {small.samples:,} and "
        f"{pace:.3f} times the processor time per person.\n"
    )
    lines.append(PAGE_END)
    return "".join(lines)


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02.0f} s"


def main() -> int:
    """Read the command line; print the page, or one measurement as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", type=int, help="measure this many samples in this process; prints JSON")
    parser.add_argument(
        "--model", nargs=2, help="with --one: config and weights, in place of the demo's model"
    )
    parser.add_argument("--image-scale", type=float, default=1.0, help="with --one: see `measure`")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, help="the two sizes to measure")
    chosen = parser.parse_args()
    if chosen.one is not None:
        with own_environment():
            growth = _measure_here(chosen.one, chosen.model, chosen.image_scale)
        sys.stdout.write(f"{json.dumps(asdict(growth))}\n")
        return 0
    small, large = (measure(size) for size in sorted(chosen.sizes))
    sys.stdout.write(report(small, large))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
