"""What `evaluate_poses` is composed of: people read, COCO's sums, pairs, and what is written back."""
