from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fo_pose_plugin.demo.drawn_people import FIRST_HELD_OUT_SEED, draw_scene
from fo_pose_plugin.demo.drawn_people.body import FACE, FEET, HANDS, make_figure
from fo_pose_plugin.demo.drawn_people.canvas import OBJECT, Canvas, Shape
from fo_pose_plugin.demo.drawn_people.face import face_points
from fo_pose_plugin.demo.drawn_people.hands import hand_points
from fo_pose_plugin.demo.drawn_people.outfits import Outfit
from fo_pose_plugin.demo.drawn_people.painting import PARTS, paint_person
from fo_pose_plugin.demo.drawn_people.poses import POSTURES, Arm, random_pose
from fo_pose_plugin.demo.drawn_people.truth import HIDDEN, UNLABELLED, VISIBLE, see_person
from tests.mmpose_skeletons import mmpose_skeleton

NOSE, LEFT, RIGHT = 0, 0, 1


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(FIRST_HELD_OUT_SEED + number) for number in range(40)]


@pytest.fixture(scope="module")
def people(scenes):
    return [(scene, person) for scene in scenes for person in scene.people]


def test_a_seed_gives_the_same_drawing_and_another_one_another(scenes):
    again = draw_scene(FIRST_HELD_OUT_SEED)
    assert np.array_equal(again.image_bgr, scenes[0].image_bgr)
    for one, other in zip(again.people, scenes[0].people, strict=True):
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.visible, other.visible)
        assert np.array_equal(one.bbox_xyxy, other.bbox_xyxy)
    assert not any(np.array_equal(scenes[0].image_bgr, scene.image_bgr) for scene in scenes[1:])


def test_scenes_are_as_varied_as_they_are_meant_to_be(scenes, people):
    assert max(len(scene.people) for scene in scenes) >= 3
    heights = [person.height for _, person in people]
    assert min(heights) >= 80
    assert max(heights) <= 400
    assert max(heights) > 2.5 * min(heights)
    assert len({person.posture for _, person in people}) >= len(POSTURES) - 1
    visible = np.array([person.visible[:17] for _, person in people])
    hidden = (visible == HIDDEN).sum() / (visible != UNLABELLED).sum()
    assert 0.14 < hidden < 0.28


def test_the_truth_lies_inside_the_image(people):
    for scene, person in people:
        height, width = scene.image_bgr.shape[:2]
        assert person.points.shape == (133, 2)
        assert np.isfinite(person.points).all()
        labelled = person.points[person.visible > 0]
        assert (labelled >= -0.5).all()
        assert (labelled < [width - 0.5, height - 0.5]).all()
        x1, y1, x2, y2 = person.bbox_xyxy
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert 0 < person.area <= (x2 - x1) * (y2 - y1)


def test_seen_keypoints_lie_in_the_box_of_what_is_seen(people):
    for _, person in people:
        seen = person.points[person.visible == VISIBLE]
        assert (seen >= person.bbox_xyxy[:2] - 2).all()
        assert (seen <= person.bbox_xyxy[2:] + 1).all()


def alone(posture="standing", seed=3, **changes):
    """A person on an empty canvas, with the truth and what it takes to look again."""
    rng = np.random.default_rng(seed)
    figure = make_figure(rng, replace(random_pose(rng, posture), **changes))
    canvas = Canvas(np.full((500, 500, 3), 255, np.uint8))
    offset, scale = np.array([250.0, 260.0]), 55.0
    paint_person(canvas, figure, Outfit.random(rng), scale, offset, 1)
    points = figure.points[:, :2] * scale + offset
    return canvas, figure, points, lambda: see_person(canvas.parts, figure, points, 400.0, 1)


def test_what_an_object_covers_is_hidden_and_no_longer_counted():
    canvas, _, points, look = alone(turn=0.0, head_turn=0.0)
    before = look()
    knees = points[13:15]
    assert (before.visible[13:15] == VISIBLE).all()
    x1, y1 = knees.min(0) - 25
    x2, y2 = knees.max(0) + 25
    canvas.paint([Shape(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), (0, 0, 0))], OBJECT)
    after = look()
    assert (after.visible[13:15] == HIDDEN).all()
    assert after.visible[NOSE] == VISIBLE
    assert after.area < before.area
    assert np.array_equal(after.points, before.points)


def test_what_another_person_covers_is_hidden():
    canvas, figure, _, look = alone(turn=0.0)
    paint_person(
        canvas, figure, Outfit.random(np.random.default_rng(0)), 55.0, np.array([258.0, 262.0]), 1 + PARTS
    )
    person = look()
    assert (person.visible[:17] == VISIBLE).sum() < 8
    assert (person.visible[FACE] == UNLABELLED).all()  # nobody labels a face that is not seen


def test_a_pixel_of_each_seen_keypoint_changes_with_its_person():
    """Seen means painted by that person: without them the picture around the point is another one."""
    canvas, _, points, look = alone(turn=15.0)
    person = look()
    for x, y in points[person.visible == VISIBLE].round().astype(int):
        assert (canvas.image[y - 1 : y + 2, x - 1 : x + 2] != 255).any()


def test_from_behind_there_is_no_face_and_left_is_left():
    *_, points, look = alone(turn=180.0, head_turn=0.0)
    person = look()
    assert (person.visible[FACE] == UNLABELLED).all()
    assert (person.visible[:3] == HIDDEN).all()
    assert points[5, 0] < points[6, 0]  # the left shoulder, on the left as one looks at the back
    *_, points, look = alone(turn=0.0, head_turn=0.0)
    assert points[5, 0] > points[6, 0]
    assert (look().visible[FACE] == VISIBLE).mean() > 0.9


def test_the_far_side_of_a_profile_is_hidden():
    *_, look = alone(turn=90.0, head_turn=0.0, tilt=0.0, roll=0.0)
    visible = look().visible
    # Turned to the image's right, the person's right side is near.
    assert visible[6] == VISIBLE
    assert visible[5] == HIDDEN
    assert visible[4] == VISIBLE
    assert visible[3] == HIDDEN


def test_left_and_right_are_told_by_shape():
    """From the front: big toes inwards, toes before heels, the face's points in their order."""
    for seed in range(6):
        _, figure, points, _ = alone(seed=seed, turn=0.0, head_turn=0.0, roll=0.0, tilt=0.0)
        for side, sign in ((LEFT, 1), (RIGHT, -1)):
            big, small, _ = points[FEET[side]]
            assert sign * (small[0] - big[0]) > 0
            assert figure.points[FEET[side]][0, 2] > figure.points[FEET[side]][2, 2]
            assert np.allclose(points[HANDS[side]][0], points[9 + side])
        face = points[FACE]
        assert face[0, 0] < face[8, 0] < face[16, 0]  # the jaw, from the person's right
        assert face[36, 0] < face[39, 0] < face[42, 0] < face[45, 0]  # eyes
        assert face[48, 0] < face[54, 0]  # mouth
        assert face[19, 1] < face[37, 1] < face[33, 1] < face[51, 1] < face[57, 1] < face[8, 1]


def test_a_face_drawn_in_a_mirror_has_its_points_where_flipping_puts_them():
    """What RandomFlip and the flip test rely on: swapping the pairs is the same as mirroring a face."""
    flip = np.array(mmpose_skeleton("coco_wholebody").flip_indices)[FACE] - FACE.start
    face = face_points(np.random.default_rng(1))
    mirrored = face[flip] * [-1, 1, 1]
    assert np.abs(mirrored - face).max() < 0.02


class Still:
    """A generator without chance."""

    def normal(self, mean, spread, size=None):
        return mean if size is None else np.full(size, float(mean))

    def uniform(self, low, high):
        return (low + high) / 2


def test_a_mirrored_hand_is_the_other_one():
    arm = Arm(10, 0, 10, 0, 0.4)
    left = hand_points(Still(), np.zeros(3), np.array([0.3, 0.9, 0.2]), arm, 1.0, 1)
    right = hand_points(Still(), np.zeros(3), np.array([-0.3, 0.9, 0.2]), arm, 1.0, -1)
    assert np.allclose(left * [-1, 1, 1], right)
    # A hanging hand has its thumb in front, and its fingers bend towards the body.
    assert left[4, 2] > left[20, 2] + 0.2
    assert left[12, 0] - left[9, 0] < 0.3 * (left[12, 1] - left[9, 1])
