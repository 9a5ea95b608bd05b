"""Drawn people with exact ground truth: scenes made of polygons, the same for the same seed.

poses.py       angles at the keypoints: standing, walking, sitting, lying ...
body.py        proportions and angles -> 133 keypoints in space;  face.py, hands.py: their parts
outfits.py     colours and clothes
canvas.py      polygons on an image and, beside it, on a map that tells whose part each pixel shows
painting.py    a person on a canvas, part by part from back to front;  heads.py, torsos.py: their parts
backdrops.py   what is behind and in front of people
truth.py       which keypoints can be seen, boxes and areas, from that map
scenes.py      `draw_scene`
"""

from fo_pose_plugin.demo.drawn_people.scenes import FIRST_HELD_OUT_SEED, Scene, draw_scene
from fo_pose_plugin.demo.drawn_people.truth import DrawnPerson

__all__ = ["FIRST_HELD_OUT_SEED", "DrawnPerson", "Scene", "draw_scene"]
