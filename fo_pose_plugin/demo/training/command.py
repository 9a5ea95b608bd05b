"""Draw people and train the demo's two models on them: `make demo-models`.

Draws the crops once, then trains both models at once, each in a process with one thread. An interrupted
training goes on where it was.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np

from fo_pose_plugin.demo.training.crop_pool import CropPool, draw_pool
from fo_pose_plugin.demo.training.trainer import Training, train

__all__ = ["main"]

MODELS = Path(__file__).resolve().parents[1] / "models"
NAMES = ("demo_body", "demo_wholebody")
CHUNK = 500
SEEDS_PER_CHUNK = 1000


def main() -> None:
    """Read the command line, draw and train."""
    parser = argparse.ArgumentParser(prog="make demo-models", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".cache/demo-models"), help="crops and states")
    parser.add_argument("--out", type=Path, default=MODELS, help="where the weights go")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--drawn", type=int, default=16_000, help="crops to draw (%(default)s)")
    parser.add_argument("--crops", type=int, default=120_000, help="crops that each model sees (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="that draw, then that train (%(default)s)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Each process computes in one thread; torch and OpenMP read this when they start.
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    parts = [arguments.work / f"crops_{number:03}.npz" for number in range(-(-arguments.drawn // CHUNK))]
    with context.Pool(arguments.processes) as pool:
        for part in pool.imap(_draw_part, parts):
            _say(f"drawn: {part.name}")
    jobs = [(name, parts, arguments.work, arguments.out, arguments.crops) for name in arguments.models]
    with context.Pool(min(arguments.processes, len(jobs))) as pool:
        pool.starmap(_train_one, jobs, chunksize=1)


def _draw_part(path: Path) -> Path:
    if not path.is_file():
        import cv2

        cv2.setNumThreads(1)
        temporary = path.with_suffix(".tmp")
        draw_pool(SEEDS_PER_CHUNK * int(path.stem.rpartition("_")[2]), CHUNK).save(temporary)
        temporary.replace(path)
    return path


def _train_one(name: str, parts: list[Path], work: Path, out: Path, crops: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    pools = [CropPool.load(part) for part in parts]
    pool = CropPool(
        [image for each in pools for image in each.images],
        np.concatenate([each.points for each in pools]),
        np.concatenate([each.visible for each in pools]),
        np.concatenate([each.boxes for each in pools]),
    )
    training = Training(MODELS / f"{name}.py", out / f"{name}.pth", work / f"{name}.state", crops)
    train(training, pool, _say)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
