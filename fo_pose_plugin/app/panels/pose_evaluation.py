"""The panel `pose_evaluation`: an evaluation's numbers and plots, and the people behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.evaluation_page import PANEL, add_table, glossary_text
from fo_pose_plugin.app.forms import read_number, read_text
from fo_pose_plugin.app.panels.evaluation_plots import (
    Plot,
    error_plot,
    oks_plot,
    precision_plot,
    size_error_plot,
    size_plot,
)
from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.evaluation_text import comparison_table, counts_sentence, metrics_table, percent
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.compare_evaluations import list_pose_evaluations, load_evaluation
from fo_pose_plugin.tasks.evaluation_views import (
    false_positives,
    keypoints_off,
    missed_people,
    worst_poses,
)

__all__ = ["PoseEvaluationPanel"]

NO_OTHER = "no other"
ANY = "any keypoint"
DEFAULT_BOUND = 10.0


class PoseEvaluationPanel(foo.Panel):
    """Shows one evaluation of poses, or two beside each other."""

    @property
    def config(self) -> foo.PanelConfig:
        """How FiftyOne lists it."""
        return foo.PanelConfig(
            name=PANEL,
            label="Pose evaluation",
            icon="analytics",  # the tab shows names of Material icons only
            help_markdown="What 'Evaluate poses' found: numbers, plots, and views of the people behind them.",
            surfaces="grid",
        )

    def on_load(self, ctx: foo.ExecutionContext) -> None:
        """Show the newest evaluation."""
        known = list_pose_evaluations(ctx.dataset)
        if self._chosen(ctx, "eval_key") not in known:
            ctx.panel.set_state("choice.eval_key", known[0] if known else None)

    def on_change_dataset(self, ctx: foo.ExecutionContext) -> None:
        """Show that dataset's newest evaluation."""
        self.on_load(ctx)

    def on_choice(self, _ctx: foo.ExecutionContext) -> None:
        """Draw anew; the choice is in the panel's state."""

    def on_false_positives(self, ctx: foo.ExecutionContext) -> None:
        """Show predictions of nobody."""
        self._show(ctx, lambda key: false_positives(ctx.dataset, key), "There is no false positive")

    def on_missed(self, ctx: foo.ExecutionContext) -> None:
        """Show missed people."""
        self._show(ctx, lambda key: missed_people(ctx.dataset, key), "Nobody was missed")

    def on_worst(self, ctx: foo.ExecutionContext) -> None:
        """Show the worst poses first."""
        self._show(ctx, lambda key: worst_poses(ctx.dataset, key), "No pose has an OKS below .75")

    def on_off(self, ctx: foo.ExecutionContext) -> None:
        """Show people with a keypoint that is far off."""
        stray = ctx.panel.get_state("stray")
        stray = stray if isinstance(stray, dict) else {}

        def view(key: str) -> Any:
            keypoint, bound = read_text(stray, "keypoint"), read_number(stray, "more_than")
            share = (DEFAULT_BOUND if bound is None else bound) / 100
            return keypoints_off(ctx.dataset, key, None if keypoint in {None, ANY} else keypoint, share)

        self._show(ctx, view, "No keypoint is that far off")

    def on_everyone(self, ctx: foo.ExecutionContext) -> None:
        """Leave the view."""
        ctx.ops.clear_view()

    def render(self, ctx: foo.ExecutionContext) -> types.Property:
        """Lay the panel out for what is chosen."""
        panel = types.Object()
        known = list_pose_evaluations(ctx.dataset)
        if not known:
            _nothing_yet(panel)
            return types.Property(panel, view=_page())
        key = self._chosen(ctx, "eval_key")
        key = key if key in known else known[0]
        other = self._chosen(ctx, "compare")
        try:
            reports = [load_evaluation(ctx.dataset, key)]
            if other in known and other != key:
                reports.append(load_evaluation(ctx.dataset, str(other)))
        except PoseError as error:
            panel.view("error", types.Error(label="This evaluation cannot be shown", description=str(error)))
            return types.Property(panel, view=_page())
        self._choices(panel, known, key)
        _numbers(ctx, panel, reports)
        self._views(panel, reports[0])
        for name, plot in (
            ("oks_plot", oks_plot(reports)),
            ("error_plot", error_plot(reports)),
            ("precision_plot", precision_plot(reports)),
            ("size_plot", size_plot(reports)),
            ("size_error_plot", size_error_plot(reports)),
        ):
            _add_plot(panel, name, plot)
        panel.md(glossary_text(), name="glossary")
        return types.Property(panel, view=_page())

    def _choices(self, panel: types.Object, known: list[str], key: str) -> None:
        row = types.Object()
        for name, label, options, default in (
            ("eval_key", "Evaluation", known, key),
            ("compare", "Beside it", [NO_OTHER, *(one for one in known if one != key)], NO_OTHER),
        ):
            view = types.DropdownView()
            for option in options:
                view.add_choice(option, label=option)
            row.enum(name, view.values(), default=default, label=label, view=view, on_change=self.on_choice)
        panel.define_property("choice", row, view=types.HStackView(gap=2))

    def _views(self, panel: types.Object, report: EvaluationReport) -> None:
        row = panel.h_stack("views", gap=1, align_x="left", wrap=True)
        for name, label, handler in (
            ("missed", "Missed people", self.on_missed),
            ("false_positives", "Predictions of nobody", self.on_false_positives),
            ("worst", "Worst poses first", self.on_worst),
            ("everyone", "Show everyone", self.on_everyone),
        ):
            row.btn(name, label=label, on_click=handler, variant="outlined")
        stray = types.Object()
        names = types.DropdownView()
        for name in (ANY, *(one.name for one in report.groups[1:]), *(one.name for one in report.keypoints)):
            names.add_choice(name, label=name)
        stray.enum("keypoint", names.values(), default=ANY, label="Keypoint or group", view=names)
        stray.float("more_than", default=DEFAULT_BOUND, label="off by more than this % of the person's size")
        stray.btn("show", label="Show them", on_click=self.on_off, variant="outlined")
        panel.define_property("stray", stray, view=types.HStackView(gap=2, align_y="end"))

    def _show(self, ctx: foo.ExecutionContext, make_view: Callable[[str], Any], nothing: str) -> None:
        key = self._chosen(ctx, "eval_key") or next(iter(list_pose_evaluations(ctx.dataset)), "eval")
        try:
            view = make_view(key)
            if len(view):
                ctx.ops.set_view(view)
            else:
                ctx.ops.notify(nothing, variant="info")
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")

    def _chosen(self, ctx: foo.ExecutionContext, name: str) -> str | None:
        choice = ctx.panel.get_state("choice")
        return read_text(choice, name) if isinstance(choice, dict) else None


def _page() -> types.View:
    # FiftyOne's stacks and grids leave no room at the edge, or make plots narrow.
    return types.View(componentsProps={"container": {"sx": {"p": 2}}})


def _nothing_yet(panel: types.Object) -> None:
    panel.view(
        "nothing",
        types.Notice(
            label="No poses were evaluated yet",
            description="'Evaluate poses' compares predictions with ground truth and shows the result here.",
        ),
    )
    panel.btn(
        "evaluate",
        label="Evaluate poses",
        on_click="@fo-pose/fo_pose_plugin/evaluate_poses",
        prompt=True,
        variant="contained",
    )


def _numbers(ctx: foo.ExecutionContext, panel: types.Object, reports: list[EvaluationReport]) -> None:
    report = reports[0]
    panel.md(
        f"**AP {percent(report.ap)}, AR {percent(report.ar)}**: '{report.pred_field}' against "
        f"'{report.gt_field}' on {n_images(report.samples)}. {counts_sentence(report)}.",
        name="summary",
    )
    for index, note in enumerate(report.notes):
        panel.md(f"Note: {note}", name=f"note_{index}")
    table = comparison_table(reports) if len(reports) > 1 else metrics_table(report, short=True)
    title = "Side by side, in percent" if len(reports) > 1 else "COCO's metrics, in percent"
    for name, rows in add_table(panel, "metrics", title, table).items():
        ctx.panel.set_data(name, rows)


def _add_plot(panel: types.Object, name: str, plot: Plot) -> None:
    data, layout = plot
    panel.plot(name, data=data, layout=layout, config={"displayModeBar": False, "responsive": True})
