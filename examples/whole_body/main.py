"""Give people body, feet, face and hands with a whole-body model, and look at the hands alone."""

import argparse
from pathlib import Path

import fiftyone as fo

import fo_pose_plugin as fop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--model", help="a whole-body model; by default the first whose weights are here")
    parser.add_argument("--detector", required=True, help="a registered person detector")
    parser.add_argument("--box-threshold", type=float, default=0.3, help="least confidence of a box")
    parser.add_argument("--dataset", default="whole-body", help="the FiftyOne dataset to make")
    args = parser.parse_args()

    models = fop.list_models("wholebody")
    chosen = [spec for spec in models if (spec.name == args.model if args.model else spec.is_here)]
    if not chosen:
        parser.error(f"name a whole-body model: {', '.join(spec.name for spec in models)}")
    spec = chosen[0]
    print(f"{spec.name}: {spec.describe()}")

    dataset = fo.Dataset.from_images_dir(str(args.images), name=args.dataset, overwrite=True, persistent=True)
    report = fop.estimate_poses(
        dataset,
        spec.name,
        detector=args.detector,
        box_threshold=args.box_threshold,
        pose_field="whole_body",  # beside body poses in "poses", say
        progress=True,
    )
    print(f"{report.people} people, saved views: {', '.join(report.saved_views)}")

    for group in spec.groups:
        view = fop.show_keypoints(dataset, "whole_body", group, min_confidence=0.3)
        points = view.values("whole_body.keypoints.points[]", unwind=True)
        shown = sum(x == x for x, _ in points)  # a view leaves hidden points without coordinates
        print(f"{group}: {shown} of {report.people * spec.groups[group]} points are shown")

    # What lies behind the points: one heatmap per keypoint, kept with the run.
    person = next(sample for sample in dataset if sample["whole_body"].keypoints)
    heatmaps = fop.load_heatmaps(person, "whole_body")
    print(f"heatmaps of the first person: {heatmaps[0].shape}")


if __name__ == "__main__":
    main()
