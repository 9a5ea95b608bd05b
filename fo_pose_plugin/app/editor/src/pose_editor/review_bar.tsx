import React from "react";
import type { EditorJson } from "./contract";
import type { Chip } from "./people_chips";
import { perMinute, type Pace } from "./rate";
import { ToolButton } from "./toolbar";
import type { Actions } from "./use_actions";

interface Props {
  readonly actions: Actions;
  readonly chips: readonly Chip[];
  readonly editor: EditorJson;
  readonly pace: Pace;
}

/** How far the review is, and how it goes on. */
export function ReviewBar({ actions, chips, editor, pace }: Props) {
  const chosen = chips.find((chip) => chip.key === actions.person);
  const rate = perMinute(pace);
  const { progress } = actions;
  const common = { whyNot: actions.whyNot, isOn: actions.isOn, onAct: actions.act };
  return (
    <div className="fpe-review">
      <span className="fpe-counts">
        <b data-cy="pose-editor-status" data-status={chosen?.status ?? ""}>
          {actions.busy ? "saving" : (chosen?.status ?? "nobody")}
        </b>
        <span
          className="fpe-soft"
          data-cy="pose-editor-progress"
          title={`Reviewed people of this view, saved in ${editor.corrected_field}`}
        >
          {progress ? `${progress.reviewed} of ${progress.people} reviewed` : ""}
          {rate === null ? "" : `, ${rate.toFixed(1)} per minute`}
        </span>
      </span>
      <span className="fpe-buttons">
        <ToolButton {...common} action="previous" label="‹" className="fpe-step" />
        <ToolButton {...common} action="next" label="›" className="fpe-step" />
        <ToolButton {...common} action="save" label="Save" />
        <ToolButton {...common} action="accept" label="Accept" className="fpe-primary" />
        <ToolButton {...common} action="accept-all" label="Accept all, next" className="fpe-primary" />
        <ToolButton {...common} action="help" label="?" className="fpe-step" />
      </span>
    </div>
  );
}
