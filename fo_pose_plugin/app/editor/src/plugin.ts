// What FiftyOne's App loads: register the panels, and what Python cannot do in the page.

import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { HeatmapIcon } from "./heatmap_icon";
import { HeatmapPanel } from "./heatmap_panel";
import { registerOpenQueue } from "./open_queue";
import { PoseEditorIcon } from "./pose_editor/icon";
import { POSE_EDITOR, registerOpenPoseEditor } from "./pose_editor/open_pose_editor";
import { PoseEditorPanel } from "./pose_editor/pose_editor_panel";

const KEYPOINTS = "fiftyone.core.labels.Keypoints";

type Activator = NonNullable<Parameters<typeof registerComponent>[0]["activator"]>;
const hasKeypoints: Activator = ({ schema }) =>
  Object.values(schema ?? {}).some((field) => field.embeddedDocType === KEYPOINTS);

registerComponent({
  name: "pose_heatmaps",
  label: "Heatmaps",
  component: HeatmapPanel,
  type: PluginComponentType.Panel,
  Icon: HeatmapIcon,
  activator: hasKeypoints,
  panelOptions: {
    surfaces: "modal",
    helpMarkdown: "The open sample's people one by one, each with the heatmaps of all keypoints",
  },
});

registerComponent({
  name: POSE_EDITOR,
  label: "Pose editor",
  component: PoseEditorPanel,
  type: PluginComponentType.Panel,
  Icon: PoseEditorIcon,
  activator: hasKeypoints,
  panelOptions: {
    surfaces: "modal",
    helpMarkdown: "Correct the open sample's poses by mouse and keys, with the model's heatmaps; `?` lists the keys",
  },
});

registerOpenQueue();
registerOpenPoseEditor();
