"""Correct poses from Python: one person by hand, the sure ones at once, and take it back."""

import argparse
from pathlib import Path

import fiftyone as fo

import fo_pose_plugin as fop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--model", required=True, help="a registered pose model with COCO's keypoints")
    parser.add_argument("--export", type=Path, required=True, help="the COCO file to write")
    parser.add_argument("--dataset", default="corrected-poses", help="the FiftyOne dataset to make")
    args = parser.parse_args()

    dataset = fo.Dataset.from_images_dir(str(args.images), name=args.dataset, overwrite=True, persistent=True)
    fop.estimate_poses(dataset, args.model, whole_image=True, progress=True)
    sample, other = dataset.first(), dataset.skip(1).first()
    person = sample.poses.keypoints[0]

    # The wrist belongs elsewhere, one ankle is hidden, and the model took left for right.
    fop.correct_pose(
        sample, person.id, keypoints={"left_wrist": (0.5, 0.5)}, visible={"right_ankle": 1}, edited_by="ann"
    )
    fop.swap_left_right(sample, person.id, limbs="legs", edited_by="ann")
    # Nobody is there: the prediction is rejected, and does not come back on export.
    fop.correct_pose(other, other.poses.keypoints[0].id, status="rejected", edited_by="ann")

    (corrected,) = sample.poses_corrected.keypoints
    print(f"revision {corrected.revision} by {corrected.edited_by}: {corrected.status}")
    print(f"{corrected.origin.count('human')} of {len(corrected.origin)} keypoints by a human")

    # All others were looked at, and are right.
    report = fop.accept_poses(dataset, edited_by="ann")
    print(report.describe("accepted"))
    print(fop.count_corrections(dataset).describe())
    print("saved views:", ", ".join(name for name in dataset.list_saved_views() if "poses" in name))

    exported = fop.export_poses(dataset, args.export, what="corrections", overwrite=True, progress=False)
    print(f"{exported.people} people exported, {exported.left_out} left out")

    # Second thoughts: what was done to many at once can be undone.
    print(fop.restore_corrections(dataset, history_key=report.history_key).describe("as they were before"))


if __name__ == "__main__":
    main()
