import React from "react";
import { KEYS, keyOf, type Action } from "./keys";

interface Tool {
  readonly action: Action;
  readonly label: string;
}

// What is used together stands together; the label of each is short, its tooltip says the rest.
const TOOLS: readonly (readonly Tool[])[] = [
  [
    { action: "undo", label: "Undo" },
    { action: "redo", label: "Redo" },
  ],
  [
    { action: "swap-person", label: "Swap L/R" },
    { action: "swap-arm", label: "Arms" },
    { action: "swap-leg", label: "Legs" },
  ],
  [
    { action: "reset-point", label: "Reset" },
    { action: "reset-person", label: "Reset all" },
    { action: "absent-weaker", label: "Weaker absent" },
  ],
  [
    { action: "fix", label: "Fix" },
    { action: "snap", label: "Peak" },
    { action: "heatmap", label: "Heatmap" },
    { action: "mirror", label: "Mirror" },
  ],
  [
    { action: "add", label: "Add" },
    { action: "box", label: "Box" },
    { action: "reestimate", label: "Estimate" },
    { action: "reject", label: "Reject" },
  ],
  [
    { action: "groups", label: "Groups" },
    { action: "names", label: "Names" },
    { action: "doubt-first", label: "Doubts" },
    { action: "zoom-person", label: "Zoom" },
    { action: "fit", label: "Fit" },
  ],
];

interface Props {
  /** Why an action cannot be done; null where it can. */
  readonly whyNot: (action: Action) => string | null;
  readonly isOn: (action: Action) => boolean | null;
  readonly onAct: (action: Action) => void;
}

export function Toolbar(props: Props) {
  return (
    <div className="fpe-tools" role="toolbar" aria-label="Edit the pose">
      {TOOLS.map((tools) => (
        <span key={tools[0]!.action}>
          {tools.map(({ action, label }) => (
            <ToolButton key={action} action={action} label={label} {...props} />
          ))}
        </span>
      ))}
    </div>
  );
}

export function ToolButton(props: Props & { action: Action; label: string; className?: string }) {
  const { action, label, whyNot, isOn, onAct } = props;
  const reason = whyNot(action);
  const pressed = isOn(action);
  const does = KEYS.find((line) => line.action === action)?.does ?? label;
  return (
    <button
      type="button"
      className={props.className}
      data-cy={`pose-editor-${action}`}
      disabled={reason !== null}
      title={reason ?? `${does} (${keyOf(action)})`}
      onClick={() => onAct(action)}
      {...(pressed === null ? {} : { "aria-pressed": pressed })}
    >
      {label}
    </button>
  );
}
