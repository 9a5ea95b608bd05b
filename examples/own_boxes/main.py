"""Estimate poses in boxes that a dataset has already: here, those of a COCO annotation file."""

import argparse
from pathlib import Path

import fiftyone as fo

import fo_pose_plugin as fop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--annotations", type=Path, required=True, help="a COCO file with boxes of people")
    parser.add_argument("--model", required=True, help="a registered pose model")
    parser.add_argument("--dataset", default="poses-in-own-boxes", help="the FiftyOne dataset to make")
    args = parser.parse_args()

    dataset = fo.Dataset.from_dir(
        dataset_type=fo.types.COCODetectionDataset,
        data_path=str(args.images),
        labels_path=str(args.annotations),
        label_types="detections",
        label_field="people",
        name=args.dataset,
        overwrite=True,
        persistent=True,
    )

    # Boxes labelled "person" are taken where there are any; COCO's crowds never are.
    report = fop.estimate_poses(dataset, args.model, boxes="people", flip_test=True, progress=True)
    print(f"{report.people} people in {report.samples} photos, run {report.run_id}")

    # A pose and its box are one instance: selecting one in the App finds the other.
    box_of = {box.id: box for boxes in dataset.values("people.detections") for box in boxes or []}
    poses = [pose for found in dataset.values("poses.keypoints") for pose in found]
    linked = sum(box_of[pose.box_id].instance.id == pose.instance.id for pose in poses)
    print(f"{linked} of {len(poses)} poses are linked to their box")

    # The surest people last: what the model doubts is what a person should look at first.
    for pose in sorted(poses, key=lambda pose: pose.score)[:5]:
        print(f"score {pose.score:.2f} in box {pose.box_id}")


if __name__ == "__main__":
    main()
