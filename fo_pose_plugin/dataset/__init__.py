"""FiftyOne documents in and out: the only room that makes fo.Keypoints."""
