"""Read people of a COCO file, estimate poses in their boxes, and write COCO files of the result."""

import argparse
from pathlib import Path

import fiftyone as fo

import fo_pose_plugin as fop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--annotations", type=Path, required=True, help="a COCO file of people's keypoints")
    parser.add_argument("--model", required=True, help="a registered pose model")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--dataset", default="exchanged-poses", help="the FiftyOne dataset to make")
    args = parser.parse_args()

    dataset = fo.Dataset(args.dataset, overwrite=True, persistent=True)
    report = fop.import_poses(dataset, args.annotations, "ground_truth", images=args.images)
    print(f"{report.people} people on {report.samples} images imported")
    for problem in report.problems:  # what was left out, or is odd
        print(f"  {problem.title}: {'; '.join(problem.examples[:3])}")

    # The people's boxes came along, so that no detector is needed.
    fop.estimate_poses(dataset, args.model, boxes="ground_truth_boxes", keep_heatmaps=False)

    # What COCO's own evaluation takes: a list of predictions with scores.
    results = fop.export_poses(dataset, args.output / "results.json", format="coco_results", overwrite=True)
    print(f"{results.people} predictions in {results.path}")

    # What a training takes: each person's correction where there is one, else the keypoints that are sure.
    labels = fop.export_poses(
        dataset, args.output / "labels.json", what="best", min_confidence=0.3, overwrite=True
    )
    print(f"{labels.people} people in {labels.path}, {labels.left_out} left out")

    # And the ground truth again: the same numbers, to the last digit.
    again = fop.export_poses(dataset, args.output / "ground_truth.json", "ground_truth", overwrite=True)
    print(f"{again.people} people in {again.path}")


if __name__ == "__main__":
    main()
