"""The pose editor as a person uses it, on photos, in a real App and browser; what the dataset holds then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import fo_pose_plugin as fop
from fo_pose_plugin.demo.bundled_models import WHOLEBODY, bundled_pairs
from fo_pose_plugin.demo.drawings import BOXES, drawing_seeds, fill_with_drawings
from tests.app.driver import AppPage
from tests.app.editor_driver import EditorPanel
from tests.real_models import BODY, register_real_models
from tests.shared_data import fill_from_coco

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Photos of one, two and one person; the second one's first has peaks to choose from.
PHOTOS = (0, 5, 6)
TWO_PEOPLE = 1
LEG_PARTS = ("hip", "knee", "ankle")
DRAG_MS = 40.0
CROWD_MS = 60.0
CROWD = 20
HEATMAP_MS = 150.0
ROUNDS = 5
ASKED = 20
LOADING_MS = 120_000
SURE = 0.5
# Of the box's diagonal, for a crop that is off by a pixel of the screen or two.
DRAWN_BOX_OFF = 0.02
# On a machine that others use, a drag's frames may come as late as any that follow the mouse, twice.
SLACK = 2.0
TRIES = 3


@pytest.fixture(scope="module")
def estimated(
    make_module_dataset: Callable[..., fo.Dataset],
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> fo.Dataset:
    """Photos with poses of a real model, their heatmaps and doubts."""
    register_real_models(shared_data)
    dataset = make_module_dataset("editor")
    fill_from_coco(dataset, shared_data / "coco_mini" / "person_keypoints.json", max(PHOTOS) + 1)
    ids = dataset.values("id")
    dataset.delete_samples([one for place, one in enumerate(ids) if place not in PHOTOS])
    fop.estimate_poses(
        dataset, BODY, boxes="ground_truth_boxes", signals=True, keep_heatmaps=True, progress=False
    )
    dataset.reload()
    return dataset


@pytest.fixture(scope="module")
def app_environment() -> dict[str, str]:
    """As the README sets the App up and the demo does; tests/app/test_server_answers.py has it as it is."""
    return {"FIFTYONE_PLUGINS_CACHE_ENABLED": "true"}


@pytest.fixture(scope="module")
def copies() -> Iterator[list[fo.Dataset]]:
    """What the tests corrected: deleted at last, since a page breaks down that shows what is deleted."""
    made: list[fo.Dataset] = []
    yield made
    for copy in made:
        copy.delete()


@pytest.fixture
def photos(estimated: fo.Dataset, copies: list[fo.Dataset]) -> fo.Dataset:
    """A copy that the test may correct."""
    copies.append(estimated.clone(f"editor-{uuid4().hex[:8]}", persistent=True))
    return copies[-1]


@pytest.fixture
def panel(app: AppPage) -> Iterator[EditorPanel]:
    panel = EditorPanel(app)
    yield panel
    panel.close()


def size_of(sample: fo.Sample) -> npt.NDArray[np.float64]:
    with Image.open(sample.filepath) as image:
        return np.array(image.size, dtype=float)


def points_px(label: fo.Keypoint, sample: fo.Sample) -> npt.NDArray[np.float64]:
    return np.array(label.points, dtype=float) * size_of(sample)


def pair_of(dataset: fo.Dataset) -> fo.Sample:
    """The photo with two people, as the database has it now."""
    dataset.reload()
    sample = dataset.skip(TWO_PEOPLE).first()
    sample.reload()
    return sample


def corrections(sample: fo.Sample) -> dict[str, fo.Keypoint]:
    """The corrections by the prediction that they are of."""
    field = sample["poses_corrected"]
    return {} if field is None else {label.source_id: label for label in field.keypoints}


def names_of(dataset: fo.Dataset) -> list[str]:
    return list(dataset.skeletons["poses"].labels)


def inwards(x: float, width: float, by: float) -> float:
    """A way to go that does not leave the image."""
    return by if x < width / 2 else -by


def p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def keep_latencies(panel: EditorPanel, times: dict[str, list[float]]) -> None:
    """Write how long things took in the browser beside the screenshots, a line each."""
    panel.app.output.mkdir(parents=True, exist_ok=True)
    with (panel.app.output / "pose_editor_latencies.txt").open("a") as table:
        for what, found in times.items():
            table.write(
                f"{what}: median {np.median(found):.0f} ms, p95 {p95(found):.0f} ms, n {len(found)}\n"
            )


def test_a_review_by_mouse_and_keys_is_in_the_dataset(
    panel: EditorPanel, photos: fo.Dataset, tmp_path: Path
) -> None:
    sample = pair_of(photos)
    names = names_of(photos)
    first, second = sample.poses.keypoints
    width, height = size_of(sample)
    expected = points_px(first, sample)
    visible = np.full(len(names), 2)
    at = {name: place for place, name in enumerate(names)}

    panel.open(photos, TWO_PEOPLE)
    assert panel.statuses() == ["to review", "to review"]
    panel.part("progress").get_by_text("0 of").wait_for()
    panel.choose_person(0)
    panel.press("z")

    # A wrist, dragged by a known way.
    wrist = at["left_wrist"]
    by = (inwards(expected[wrist, 0], width, 14.0), inwards(expected[wrist, 1], height, 9.0))
    panel.choose("left_wrist")
    panel.drag("left_wrist", by)
    expected[wrist] += by
    assert panel.statuses() == ["draft", "to review"]

    # An ankle is occluded; then the legs are swapped, and so is that.
    panel.choose("right_ankle")
    panel.press("1")
    visible[at["right_ankle"]] = 1
    panel.press("l")
    for part in LEG_PARTS:
        pair = [at[f"left_{part}"], at[f"right_{part}"]]
        expected[pair] = expected[pair[::-1]]
        visible[pair] = visible[pair[::-1]]

    # A keypoint goes to its second peak; one nudge too many is undone.
    legs = {f"{side}_{part}" for side in ("left", "right") for part in LEG_PARTS}
    snapped = next(name for name in names if name not in legs | {"left_wrist"} and peaks(panel, name) > 1)
    panel.press("s")
    expected[at[snapped]] = panel.candidates()[1]
    panel.press("ArrowRight")
    panel.press("Control+z")

    # No key went to the App: it would have shown another sample, or selected this one.
    assert panel.sample_name() == Path(sample.filepath).name

    panel.press("PageDown", "x")
    assert panel.statuses() == ["draft", "draft"]
    panel.press("PageUp", "Enter")
    panel.wait_for_status("corrected", "draft")
    panel.app.screenshot("pose_editor")
    panel.go_on("Space")
    assert panel.statuses().count("to review") == len(photos.skip(TWO_PEOPLE + 1).first().poses.keypoints)

    found = corrections(pair_of(photos))
    assert set(found) == {first.id, second.id}
    corrected = found[first.id]
    assert corrected.status == "corrected"
    np.testing.assert_allclose(points_px(corrected, sample), expected, atol=1.0)
    assert list(corrected.visible) == visible.tolist()
    human = {"left_wrist", snapped, *legs}
    assert list(corrected.origin) == ["human" if name in human else "model" for name in names]
    assert corrected.revision == 1
    assert corrected.edited_by
    assert found[second.id].status == "rejected"
    others = [other for other in photos if other.id != sample.id]
    assert not any(other.poses_corrected for other in others)
    # The predictions are as they were.
    assert pair_of(photos).poses.keypoints[0].points == first.points

    keep_latencies(panel, {"save_pose_edits": panel.calls()["save_pose_edits"]})

    # Back again by key alone; and out into a file.
    panel.go_on("Shift+Space")
    assert panel.statuses() == ["corrected", "rejected"]
    check_export(photos, sample, expected, visible, tmp_path)


def peaks(panel: EditorPanel, keypoint: str) -> int:
    panel.choose(keypoint)
    panel.until("e => e.querySelector('[data-candidate]') !== null")
    return len(panel.candidates())


def check_export(
    photos: fo.Dataset,
    sample: fo.Sample,
    expected: npt.NDArray[np.float64],
    visible: npt.NDArray[Any],
    folder: Path,
) -> None:
    """What was corrected is what a COCO file of the corrections holds; who was rejected is not in it."""
    target = folder / "corrected.json"
    fop.export_poses(photos, target, what="corrections", progress=False)
    written = json.loads(target.read_text())
    (person,) = written["annotations"]
    triplets = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
    np.testing.assert_allclose(triplets[:, :2], expected, atol=1.0)
    assert triplets[:, 2].tolist() == visible.tolist()


def test_accepting_all_with_keys_alone(panel: EditorPanel, photos: fo.Dataset) -> None:
    people = [len(sample.poses.keypoints) for sample in photos]
    panel.open(photos)
    for count in people[:-1]:
        assert panel.statuses() == ["to review"] * count
        panel.go_on("Space")
    panel.press("Space")
    panel.wait_for_status(*["accepted"] * people[-1])
    panel.part("message").get_by_text("last sample").wait_for()
    panel.part("progress").get_by_text(f"{sum(people)} of {sum(people)} reviewed").wait_for()
    photos.reload()
    for sample in photos:
        sample.reload()
        assert [label.status for label in sample.poses_corrected.keypoints] == ["accepted"] * len(
            sample.poses.keypoints
        )
        for label in sample.poses.keypoints:
            np.testing.assert_allclose(corrections(sample)[label.id].points, label.points, atol=1e-9)
    # The first correction made the field: the sample beside the panel shows it.
    panel.page.locator("[data-cy=modal] [data-cy=checkbox-poses_corrected]").first.wait_for()
    assert panel.app.field_shown("poses_corrected")


def test_a_queue_is_followed_in_its_order(panel: EditorPanel, photos: fo.Dataset) -> None:
    queue = list(photos)[::-1]
    files = [Path(sample.filepath).name for sample in queue]
    panel.app.open(photos.name, samples=len(photos))
    panel.page.evaluate(
        "ids => { window.__foo__.executeOperator('@fo-pose/fo_pose_plugin/open_queue', {ids}); }",
        [sample.id for sample in queue],
    )
    panel.page.locator("[data-cy=modal-looker-container] canvas").first.wait_for()
    panel.show()
    assert panel.sample_name() == files[0]
    panel.go_on("Space")
    assert panel.sample_name() == files[1]
    panel.go_on("Space")
    assert panel.sample_name() == files[2]
    panel.go_on("Shift+Space")
    assert panel.sample_name() == files[1]
    assert "to review" not in panel.statuses()


def test_of_two_versions_a_person_picks_one(panel: EditorPanel, photos: fo.Dataset) -> None:
    sample = pair_of(photos)
    first, second = sample.poses.keypoints
    panel.open(photos, TWO_PEOPLE)
    panel.choose("nose")
    panel.press("ArrowRight")

    # Someone else changes the same person; and the other one, which is nobody's conflict.
    fop.correct_pose(sample, first.id, keypoints={"nose": [0.5, 0.5]}, edited_by="bob")
    panel.press("Enter")
    panel.part("conflict").wait_for()
    panel.wait_for_status("conflict", "to review")
    panel.app.screenshot("pose_editor_conflict")
    np.testing.assert_allclose(corrections(pair_of(photos))[first.id].points[0], [0.5, 0.5])
    panel.part("keep-theirs").click()
    panel.wait_for_status("corrected", "to review")
    np.testing.assert_allclose(panel.handle("nose").xy, size_of(sample) / 2, atol=1e-3)

    panel.press("Shift+ArrowRight")
    fop.correct_pose(pair_of(photos), first.id, keypoints={"nose": [0.25, 0.25]}, edited_by="bob")
    panel.press("Enter")
    panel.part("conflict").wait_for()
    panel.part("keep-mine").click()
    panel.press("Enter")
    panel.wait_for_status("corrected", "to review")
    mine = corrections(pair_of(photos))[first.id]
    np.testing.assert_allclose(points_px(mine, sample)[0], size_of(sample) / 2 + [10, 0], atol=1e-2)
    assert mine.revision == 3

    # Two editors on two people of one sample do not meet.
    panel.choose_person(1)
    panel.choose("nose")
    panel.press("ArrowUp")
    fop.correct_pose(pair_of(photos), first.id, keypoints={"nose": [0.75, 0.75]}, edited_by="bob")
    panel.press("Enter")
    panel.wait_for_status("corrected", "corrected")
    both = corrections(pair_of(photos))
    np.testing.assert_allclose(both[first.id].points[0], [0.75, 0.75])
    up = points_px(second, sample)[0] - [0, 1]
    np.testing.assert_allclose(points_px(both[second.id], sample)[0], up, atol=1e-2)


def test_drafts_outlive_a_reload_and_a_dead_server(panel: EditorPanel, photos: fo.Dataset) -> None:
    sample = pair_of(photos)
    panel.open(photos, TWO_PEOPLE)
    panel.choose("nose")
    panel.press("Shift+ArrowDown", "Shift+ArrowDown")
    moved = panel.handle("nose").xy
    assert moved is not None

    # To another sample and back: without saving.
    panel.go_on("Shift+Enter")
    panel.go_on("Shift+Space")
    assert panel.statuses() == ["draft", "to review"]

    panel.page.reload()
    panel.wait_for_people()
    assert panel.statuses() == ["draft", "to review"]
    np.testing.assert_allclose(panel.handle("nose").xy, moved)
    assert not pair_of(photos).has_field("poses_corrected")

    panel.page.route("**/operators/execute", lambda route: route.abort())
    panel.press("Control+s")
    panel.part("message").get_by_text("Your changes are kept in this browser").wait_for()
    assert panel.statuses() == ["draft", "to review"]
    panel.page.unroute("**/operators/execute")
    panel.press("Control+s")
    panel.wait_for_status("corrected", "to review")
    (saved,) = corrections(pair_of(photos)).values()
    np.testing.assert_allclose(points_px(saved, sample)[0], moved, atol=1e-2)
    panel.page.reload()
    panel.wait_for_people()
    assert panel.statuses() == ["corrected", "to review"]


def test_a_filtered_view_hides_nothing_from_the_editor(panel: EditorPanel, photos: fo.Dataset) -> None:
    from fiftyone import ViewField as F

    sample = pair_of(photos)
    first = sample.poses.keypoints[0]
    few = photos.filter_keypoints("poses", F("confidence") > sorted(first.confidence)[-3], only_matches=False)
    photos.save_view("few", few)
    panel.app.open(photos.name, samples=len(photos))
    panel.app.load_saved_view("few")
    panel.app.open_sample(TWO_PEOPLE)
    panel.show()
    seen = panel.root.locator("g[data-keypoint][data-x]")
    assert seen.count() == sum(np.isfinite(first.points).all(axis=1))
    weakest = names_of(photos)[int(np.argmin(first.confidence))]
    panel.choose(weakest)
    panel.press("0", "Enter")
    panel.wait_for_status("corrected", "to review")
    (saved,) = corrections(pair_of(photos)).values()
    place = names_of(photos).index(weakest)
    assert saved.visible[place] == 0
    assert np.isnan(saved.points[place]).all()
    kept = [index for index in range(len(saved.points)) if index != place]
    np.testing.assert_allclose(np.array(saved.points)[kept], np.array(first.points)[kept], atol=1e-9)


def test_a_limb_moves_with_what_hangs_on_it_and_a_person_is_added(
    panel: EditorPanel, photos: fo.Dataset
) -> None:
    sample = pair_of(photos)
    names = names_of(photos)
    first = sample.poses.keypoints[0]
    before = points_px(first, sample)
    width, height = size_of(sample)
    panel.open(photos, TWO_PEOPLE)
    panel.choose_person(0)
    panel.press("z")
    elbow, wrist = (names.index(f"left_{part}") for part in ("elbow", "wrist"))
    by = (inwards(before[elbow, 0], width, 12.0), inwards(before[elbow, 1], height, 8.0))
    panel.choose("left_elbow")
    panel.drag("left_elbow", by, key="Shift")
    panel.press("Control+s")
    panel.wait_for_status("corrected", "to review")
    moved = points_px(corrections(pair_of(photos))[first.id], sample)
    way = np.zeros_like(before)
    way[[elbow, wrist]] = by
    np.testing.assert_allclose(moved, before + way, atol=1.0)

    # Back to the prediction, saved: the person is to be reviewed again.
    panel.press("Shift+R", "Control+s")
    panel.wait_for_status("to review", "to review")
    assert not corrections(pair_of(photos))

    panel.press("Home", "n")
    places = [(0.2 * width, 0.2 * height), (0.25 * width, 0.2 * height)]
    panel.click_image(places[0])
    panel.press("0")  # the left eye is not seen
    panel.click_image(places[1])
    panel.press("1", "Escape", "Enter")
    panel.wait_for_status("to review", "to review", "added")
    (added,) = pair_of(photos).poses_corrected.keypoints
    assert list(added.visible[:4]) == [2, 0, 1, 0]
    np.testing.assert_allclose(points_px(added, sample)[[0, 2]], places, atol=2.0)


def test_what_is_wrong_is_said_and_names_are_text(
    panel: EditorPanel, photos: fo.Dataset, tmp_path: Path
) -> None:
    photos.skeletons["poses"].labels[1] = "<img src=x onerror=window.hacked=1>"
    photos.save()
    sample = pair_of(photos)
    sample.poses.heatmaps_path = str(tmp_path / "gone.npz")
    sample.save()
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    last = photos.last()
    last.filepath = str(broken)
    last.save()
    panel.app.open(photos.name)
    panel.app.open_sample(TWO_PEOPLE)
    panel.show()

    # Without heatmaps it says so, and still edits.
    panel.part("candidates").get_by_text("gone.npz").wait_for()
    panel.choose("nose")
    panel.press("ArrowLeft", "Control+s")
    panel.wait_for_status("corrected", "to review")
    assert panel.root.get_by_text("<img src=x onerror=window.hacked=1>").count()
    assert panel.page.evaluate("window.hacked") is None

    # An image that cannot be read, and on from there by keys; nothing is saved there.
    panel.press("Shift+Enter")
    panel.root.get_by_text("broken.jpg").first.wait_for()
    panel.app.screenshot("pose_editor_without_image")
    panel.press("Space")
    panel.part("message").get_by_text("last sample").wait_for()
    panel.press("Shift+Space")
    panel.wait_for_status("corrected", "to review")

    # The sample is deleted while it is open.
    photos.delete_samples([sample.id])
    panel.choose("nose")
    panel.press("ArrowLeft", "Control+s")
    panel.part("message").get_by_text("Not saved").wait_for()
    assert panel.statuses() == ["corrected", "draft"]  # it opens with who is left to review
    assert not [line for line in panel.app.console if "page error" in line or "TypeError" in line]


def heat_moved(panel: EditorPanel) -> str:
    """The condition that another heatmap is shown than now."""
    layer = panel.part("painted-heatmap")
    layer.wait_for()
    now = layer.evaluate("c => c.dataset.index + c.style.cssText")
    return (
        "e => { const c = e.querySelector(\"[data-cy='pose-editor-painted-heatmap']\");"
        f" return !!c && c.dataset.index + c.style.cssText !== {json.dumps(now)}; }}"
    )


def test_heatmaps_are_there_when_they_are_looked_at(panel: EditorPanel, photos: fo.Dataset) -> None:
    panel.open(photos, TWO_PEOPLE)
    heatmap = "e => !!e.querySelector(\"[data-cy='pose-editor-painted-heatmap']\")"
    first, key, person = "first person's heatmap", "next keypoint's heatmap", "next person's heatmap"
    times: dict[str, list[float]] = {first: [], key: [], person: []}
    for _ in range(ROUNDS):
        # On to another sample and back: the first person's heatmaps come with it, the second's ahead.
        panel.go_on("Shift+Enter")
        asked = len(panel.calls()["read_pose_evidence"])
        times[first].append(panel.go_on_and_time("Shift+Space", heatmap))
        panel.until("(e, count) => window.calls_ms.read_pose_evidence.length === count", asked + 1)
        times[key].append(panel.time_of_key("Tab", heat_moved(panel)))
        times[person].append(panel.time_of_key("PageDown", heat_moved(panel)))
    read = panel.ask_again("read_pose_evidence", ASKED)
    keep_latencies(panel, {**times, "read_pose_evidence": read})
    # The least of several: a machine that others use takes a while for anything now and then.
    least = {what: min(found) for what, found in {**times, "their answer": read}.items()}
    assert max(least.values()) < HEATMAP_MS, least


def test_the_model_finds_who_was_missed(panel: EditorPanel, photos: fo.Dataset) -> None:
    sample = pair_of(photos)
    first, missed = sample.poses.keypoints
    sample.poses.keypoints = [first]
    sample.save()
    panel.open(photos, TWO_PEOPLE)
    assert panel.statuses() == ["to review"]
    panel.press("Home", "n", "b")
    x, y, w, h = np.array(missed.bounding_box) * np.tile(size_of(sample), 2)
    (left, top), (right, bottom) = panel.screen((x, y)), panel.screen((x + w, y + h))
    panel.page.mouse.move(left, top)
    panel.page.mouse.down()
    panel.page.mouse.move(right, bottom, steps=6)
    panel.page.mouse.up()
    panel.press("e")
    # The server loads the model first.
    panel.part("message").get_by_text("Estimated anew by").wait_for(timeout=LOADING_MS)
    panel.app.screenshot("pose_editor_estimated")
    # Its heatmaps and scores are at hand; nothing is saved yet.
    panel.part("keypoint").get_by_text("score").wait_for()
    assert panel.candidates()
    assert not pair_of(photos).has_field("poses_corrected")
    panel.press("Enter")
    panel.wait_for_status("to review", "added")
    (added,) = pair_of(photos).poses_corrected.keypoints
    expected = points_px(missed, sample)
    # The box was drawn in whole pixels of the screen, so that the crop is not quite that of the run.
    sure = np.array(missed.confidence) > SURE
    off = np.linalg.norm(points_px(added, sample) - expected, axis=1)[sure]
    assert sure.any()
    assert np.median(off) < DRAWN_BOX_OFF * np.hypot(w, h), off
    assert added.origin[0] == "model"


def test_what_cannot_be_edited_is_said(panel: EditorPanel, photos: fo.Dataset) -> None:
    import fiftyone as fo

    sample = pair_of(photos)
    odd = fo.Keypoint(label="person", points=[(0.5, 0.5)] * 5)
    sample.poses.keypoints = [*sample.poses.keypoints, odd]
    sample.save()
    panel.open(photos, TWO_PEOPLE)
    # A pose of another skeleton is told of, and the others are edited.
    panel.root.get_by_text("has 5 points and the skeleton 17 keypoints").wait_for()
    assert panel.statuses() == ["to review", "to review"]
    panel.choose("nose")
    panel.press("ArrowLeft", "Control+s")
    panel.wait_for_status("corrected", "to review")
    assert pair_of(photos).poses.keypoints[2].points == odd.points

    # What may not be written is looked at.
    field = photos.get_field("poses_corrected")
    field.read_only = True
    field.save()
    panel.page.reload()
    panel.wait_for_people()
    panel.root.get_by_text("'poses_corrected' is read-only").first.wait_for()
    panel.choose("nose")
    before = panel.handle("nose").xy
    panel.press("ArrowLeft")
    panel.part("message").get_by_text("read-only").wait_for()
    assert panel.handle("nose").xy == before
    panel.app.screenshot("pose_editor_read_only")

    photos.skeletons = {}
    photos.default_skeleton = None
    photos.save()
    panel.page.reload()
    panel.part("message").get_by_text("no field with poses has a skeleton").wait_for()
    panel.app.screenshot("pose_editor_without_skeleton")


@pytest.fixture(scope="module")
def wholebody(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    """Two drawings: one person with 133 keypoints, and twenty of them."""
    import fiftyone as fo

    for pair in bundled_pairs():
        if pair.name == WHOLEBODY:
            fop.add_model(pair.name, pair.config, pair.checkpoint, overwrite=True)
    dataset = make_module_dataset("editor-wholebody")
    fill_with_drawings(dataset, tmp_path_factory.mktemp("drawings"), drawing_seeds(2))
    fop.estimate_poses(dataset, WHOLEBODY, boxes=BOXES, signals=True, keep_heatmaps=True, progress=False)
    dataset.reload()
    sample = dataset.last()
    one = sample.poses.keypoints[0]
    points = np.array(one.points)
    sample.poses.keypoints = [
        fo.Keypoint(
            label="person",
            points=(points + np.array([0.04 * (place % 5) - 0.08, 0.04 * (place // 5) - 0.08])).tolist(),
            confidence=list(one.confidence),
        )
        for place in range(CROWD)
    ]
    sample.save()
    return dataset


def test_133_keypoints_and_20_people_stay_smooth(
    panel: EditorPanel, wholebody: fo.Dataset, record_property: Callable[[str, object], None]
) -> None:
    panel.open(wholebody)
    assert panel.root.locator("g[data-keypoint]").count() == 133
    check_drag(panel, "one person", DRAG_MS, record_property)
    panel.go_on("Shift+Enter")
    assert len(panel.statuses()) == CROWD
    check_drag(panel, f"{CROWD} people", CROWD_MS, record_property)

    # Groups are hidden and shown, and Tab passes over what is hidden.
    panel.part("group-face").click()
    panel.part("group-hands").click()
    panel.until("e => e.querySelectorAll('g[data-keypoint]').length === 23")
    panel.press("g")
    panel.until("e => e.querySelectorAll('g[data-keypoint]').length === 17")


def check_drag(
    panel: EditorPanel, what: str, most_ms: float, record_property: Callable[[str, object], None]
) -> None:
    """A drag's frames take the page no longer than allowed, nor come later than any do on this machine."""
    panel.choose("left_wrist")
    panel.until(
        "e => e.querySelector('[data-candidate]') || e.querySelector('.fpe-peaks .fpe-soft + .fpe-soft')"
    )
    dragged, specks = [], []
    for turn in range(TRIES):
        way = 30.0 if turn % 2 else -30.0
        specks.append(panel.frames_of_a_speck(steps=40))
        dragged.append(panel.frames(lambda way=way: panel.drag("left_wrist", (way, way), steps=40)))
    table = {
        f"drag, {what}, frames apart": [*chain(*(frames.apart for frames in dragged))],
        f"drag, {what}, the page's work in a frame": [*chain(*(frames.work for frames in dragged))],
        f"a speck that follows the mouse, {what}, frames apart": [
            *chain(*(frames.apart for frames in specks))
        ],
    }
    keep_latencies(panel, table)
    record_property(what, {name: p95(times) for name, times in table.items()})
    work = min(p95(frames.work) for frames in dragged)
    apart = min(float(np.median(frames.apart)) for frames in dragged)
    floor = min(float(np.median(frames.apart)) for frames in specks)
    assert work <= most_ms, (what, work)
    assert apart <= max(most_ms, SLACK * floor), (what, apart, floor)
