"""All that the demo does before its App opens: models, dataset, poses."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, final

from fo_pose_plugin.demo import bundled_models, models_at_hand
from fo_pose_plugin.demo.comparison import Comparison, compare
from fo_pose_plugin.demo.demo_dataset import (
    POSE_FIELD,
    WHOLEBODY_FIELD,
    add_photos,
    dataset_name,
    is_done,
    open_dataset,
    plan_poses,
    save_doubtful_view,
    show_first,
)
from fo_pose_plugin.demo.drawings import BOXES, drawing_seeds, fill_with_drawings, set_skeletons
from fo_pose_plugin.demo.photos import photos_in
from fo_pose_plugin.demo.workplace import Workplace
from fo_pose_plugin.models import catalog
from fo_pose_plugin.models.catalog import ModelSpec
from fo_pose_plugin.models.openmmlab import building
from fo_pose_plugin.tasks.estimate_poses import EstimatePlan, EstimateReport, Progress
from fo_pose_plugin.tasks.estimation_run import run_with_progress

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["DemoOptions", "DemoReport", "ModelRun", "Screen", "prepare"]

DRAWINGS = 24


class Screen(Protocol):
    """What shows the demo's doings."""

    def say(self, text: str) -> None:
        """Write a line that stays."""

    def show(self, stage: str) -> None:
        """Show what is done now."""

    def __call__(self, state: Progress) -> None:
        """Show how far the estimation is."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo shows.

    Args:
        folder: Where it keeps everything.
        images: A folder of photos, or None for drawings.
        model: A pose model by name, or None for the bundled ones on drawings, the best at hand on photos.
        detector: A person detector by name, or None for the one at hand, if any.
        models_from: A folder with pairs of config and weights to register, or None.
    """

    folder: Path
    images: Path | None = None
    model: str | None = None
    detector: str | None = None
    models_from: Path | None = None


@dataclass(slots=True)
class Stopwatch:
    """How long each step took, in seconds, in order."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Note that a step ended now; it began when the one before ended."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's poses in the demo's dataset.

    Args:
        model: The model.
        pose_field: The field with its poses.
        report: How the estimation went, or None where nothing was left to do.
        seconds: What the images took, without loading the model.
        comparison: How near the poses are to the truth, where there is one.
    """

    model: ModelSpec
    pose_field: str
    report: EstimateReport | None
    seconds: float
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo holds.

    Args:
        dataset: Its dataset.
        runs: The models whose poses it shows, at least one.
        detector: What found the people, or None where boxes were given or each photo is taken as one person.
        drawn: Whether it shows drawings with their truth.
        notice: What is to be known of the result, or None.
        view: The saved view that the App opens on, by its name in addresses.
        steps: What each step took, in seconds.
    """

    dataset: fo.Dataset
    runs: tuple[ModelRun, ...]
    detector: str | None
    drawn: bool
    notice: str | None
    view: str
    steps: dict[str, float]


def prepare(options: DemoOptions, screen: Screen) -> DemoReport:
    """Enter the demo's folder, and bring its dataset to where every image holds poses.

    To be called before FiftyOne is imported; see `Workplace.enter`.

    Raises:
        PoseError: If it cannot be done.
        KeyboardInterrupt: On Ctrl-C; what was estimated is kept, and the next demo goes on from there.
    """
    workplace = Workplace(options.folder)
    photos = None if options.images is None else photos_in(options.images)
    users = models_at_hand.users_entries()  # before the demo's registry takes the place of the user's
    watch = Stopwatch()
    screen.show("starting the demo's database")
    workplace.enter()
    watch.lap("starting the database")
    models_at_hand.adopt(users)
    if photos is None:
        return _with_drawings(options, workplace, screen, watch)
    return _with_photos(options, photos, {entry.name for entry in users}, screen, watch)


def _with_drawings(
    options: DemoOptions, workplace: Workplace, screen: Screen, watch: Stopwatch
) -> DemoReport:
    """Estimate the poses of drawn people with both bundled models, or with the one that was named."""
    _register(bundled_models.bundled_pairs(), screen, watch)
    names = bundled_models.NAMES if options.model is None else (options.model,)
    if options.model is not None:
        _register_from(options, screen, watch)
    models = [catalog.find_model(name) for name in names]
    screen.show("starting FiftyOne")
    dataset = open_dataset(dataset_name(None))
    watch.lap("importing FiftyOne")
    screen.show("drawing people")
    fill_with_drawings(dataset, workplace.drawings, drawing_seeds(DRAWINGS))
    # Their own models give exactly the truth's keypoints.
    bundled = [catalog.find_model(name).network.skeleton for name in bundled_models.NAMES]
    set_skeletons(dataset, {len(skeleton): skeleton for skeleton in bundled})
    watch.lap(f"drawing {DRAWINGS} pictures")
    runs = []
    for model in models:
        field = WHOLEBODY_FIELD if model.spec.name == bundled_models.WHOLEBODY else POSE_FIELD
        plan = plan_poses(dataset, model.spec.name, boxes=BOXES, first_field=field)
        run = _run(plan, screen, watch)
        runs.append(replace(run, comparison=compare(dataset, run.pose_field, model.network.skeleton)))
        watch.lap("comparing with the truth")
    show_first(dataset, [BOXES, runs[0].pose_field])
    view = save_doubtful_view(dataset, runs[0].pose_field)
    return DemoReport(dataset, tuple(runs), None, True, None, view, watch.seconds)


def _with_photos(
    options: DemoOptions, photos: list[Path], users: set[str], screen: Screen, watch: Stopwatch
) -> DemoReport:
    """Estimate poses on photos, with a bundled model only where it is named or nothing else is there."""
    _register_from(options, screen, watch)
    others = {spec.name for spec in catalog.registered_models()} - set(bundled_models.NAMES)
    if options.model in bundled_models.NAMES or (options.model is None and not others):
        _register(bundled_models.bundled_pairs(), screen, watch)
    model = models_at_hand.choose_model(options.model, users, bundled_models.NAMES)
    detector = models_at_hand.choose_detector(options.detector, users)
    screen.show("starting FiftyOne")
    dataset = open_dataset(dataset_name(options.images))
    add_photos(dataset, photos)
    plan = plan_poses(dataset, model.name, detector=detector)
    watch.lap("importing FiftyOne and opening the dataset")
    run = _run(plan, screen, watch)
    notice = f"{model.name} {bundled_models.NOTICE}" if model.name in bundled_models.NAMES else None
    view = save_doubtful_view(dataset, run.pose_field)
    return DemoReport(dataset, (run,), detector, False, notice, view, watch.seconds)


def _run(plan: EstimatePlan, screen: Screen, watch: Stopwatch) -> ModelRun:
    """Carry a plan out, unless every image holds poses."""
    if is_done(plan):
        return ModelRun(plan.model.spec, plan.fields.poses, None, 0.0)
    _import_openmmlab(screen, watch)
    laps = _Laps(screen, watch)
    report = run_with_progress(plan, laps)
    watch.lap(f"estimating with {plan.model.spec.name}")
    return ModelRun(plan.model.spec, plan.fields.poses, report, laps.seconds)


def _register_from(options: DemoOptions, screen: Screen, watch: Stopwatch) -> None:
    if options.models_from is not None:
        _register(models_at_hand.new_pairs(options.models_from, screen.say), screen, watch)


def _register(pairs: list[models_at_hand.Pair], screen: Screen, watch: Stopwatch) -> None:
    """Register what an earlier demo has not."""
    new = models_at_hand.not_registered(pairs)
    if new:
        _import_openmmlab(screen, watch)
        screen.show("registering models")
        models_at_hand.register_pairs(new, screen.say)
        watch.lap(f"registering {len(new)} models")


def _import_openmmlab(screen: Screen, watch: Stopwatch) -> None:
    """Import what the models need, as a step of its own: it takes most of a first run."""
    if "mmpose.models" in sys.modules:
        return
    screen.show("importing PyTorch and OpenMMLab")
    scopes: tuple[Literal["mmdet", "mmpose"], ...] = ("mmdet", "mmpose")
    for scope in scopes:
        with building(scope):
            pass
    watch.lap("importing PyTorch and OpenMMLab")


@final
class _Laps:
    """Passes a run's progress on, and notes when its models were loaded."""

    def __init__(self, screen: Screen, watch: Stopwatch) -> None:
        self._screen = screen
        self._watch = watch
        self._loading = True
        self.seconds = 0.0

    def __call__(self, state: Progress) -> None:
        if self._loading and state.run_id:
            self._loading = False
            self._watch.lap("loading the models")
        self.seconds = state.seconds
        self._screen(state)
