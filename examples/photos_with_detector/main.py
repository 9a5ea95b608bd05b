"""Find the people on a folder of photos with a detector, and give each of them keypoints."""

import argparse
from pathlib import Path

import fiftyone as fo

import fo_pose_plugin as fop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--model", required=True, help="a registered pose model")
    parser.add_argument("--detector", required=True, help="a registered person detector")
    parser.add_argument("--box-threshold", type=float, default=0.3, help="least confidence of a box")
    parser.add_argument("--dataset", default="photos-with-poses", help="the FiftyOne dataset to fill")
    parser.add_argument("--app", action="store_true", help="open the App in the end")
    args = parser.parse_args()

    if fo.dataset_exists(args.dataset):
        dataset = fo.load_dataset(args.dataset)
    else:
        dataset = fo.Dataset.from_images_dir(str(args.images), name=args.dataset, persistent=True)

    # resume: what an earlier run has finished is left alone, so this can be stopped and started again.
    report = fop.estimate_poses(
        dataset,
        args.model,
        detector=args.detector,
        box_threshold=args.box_threshold,
        resume=True,
        progress=True,
    )
    print(f"{report.people} people in {report.samples} photos, {report.skipped} photos done before")
    for sample_id, message in report.failures.items():
        print(f"failed: {dataset[sample_id].filepath}: {message}")

    # Every point is written, however doubtful: a threshold is a matter of what one looks at.
    confident = fop.show_keypoints(dataset, min_confidence=0.5)
    points = dataset.count("poses.keypoints.points[]")
    print(f"{points} keypoints, of which {count_shown(confident)} have a confidence of at least 0.5")

    if args.app:
        fo.launch_app(confident).wait()


def count_shown(view):
    """Count the points of a view; those that it hides have no coordinates."""
    points = view.values("poses.keypoints.points[]", unwind=True)
    return sum(x == x for x, _ in points)


if __name__ == "__main__":
    main()
