// The operator that opens the editor beside the open sample: what a person finds who looks for it.

import {
  executeOperator,
  Operator,
  OperatorConfig,
  registerOperator,
  type OperatorContext,
} from "@fiftyone/operators";
import { useSpaces, type SpaceNode, type Spaces } from "@fiftyone/spaces";
import { modalSelector } from "@fiftyone/state";
import { useRecoilValue } from "recoil";
import { PLUGIN } from "../operators";

export const POSE_EDITOR = "pose_editor";
/** The App's names for the panels of the open sample, and for the sample among them. */
const MODAL_SPACES = "fiftyone-modal-spaces";
const SAMPLE = "fo-sample-modal-plugin";

type Hooks = { sampleIsOpen: boolean; spaces: Spaces };

class OpenPoseEditor extends Operator<Hooks> {
  get config(): OperatorConfig {
    return new OperatorConfig({
      name: "open_pose_editor",
      label: "Open the pose editor",
      description: "Correct the open sample's poses, with the model's heatmaps beside the mouse",
      icon: "/fo_pose_plugin/app/icons/pose.svg",
    });
  }

  useHooks(): Hooks {
    return { sampleIsOpen: useRecoilValue(modalSelector) !== null, spaces: useSpaces(MODAL_SPACES).spaces };
  }

  async execute({ hooks }: OperatorContext<Hooks>): Promise<void> {
    if (!hooks.sampleIsOpen) {
      executeOperator("notify", { message: "Open a sample first: the pose editor stands beside it.", variant: "info" });
      return;
    }
    const panel = findPanel(hooks.spaces.root, POSE_EDITOR);
    if (panel) showBeside(hooks.spaces, panel);
    else executeOperator("open_panel", { name: POSE_EDITOR, isActive: true, layout: "horizontal" });
  }
}

function findPanel(node: SpaceNode, type: string): SpaceNode | null {
  if (node.type === type) return node;
  for (const child of node.children) {
    const found = findPanel(child, type);
    if (found) return found;
  }
  return null;
}

/** The App lists every panel as a tab: out of the sample's tabs it goes beside them. */
function showBeside(spaces: Spaces, panel: SpaceNode): void {
  const sample = panel.parent?.children.find((one) => one.type === SAMPLE);
  if (!panel.parent || !sample) {
    spaces.setNodeActive(panel);
    return;
  }
  spaces.setNodeActive(sample);
  spaces.splitLayout(panel.parent, "horizontal", panel);
}

/** For a button. */
export function openPoseEditor(): void {
  executeOperator(`${PLUGIN}/open_pose_editor`, {});
}

export function registerOpenPoseEditor(): void {
  registerOperator(OpenPoseEditor, PLUGIN);
}
