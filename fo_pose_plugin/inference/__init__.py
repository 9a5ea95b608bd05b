"""Images and boxes in, poses out: batched across images and people."""
