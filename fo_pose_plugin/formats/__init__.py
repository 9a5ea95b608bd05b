"""Files of annotations: JSON in and out, piece by piece, and COCO's formats. Nothing here knows FiftyOne."""
