// A small skeleton and people on it, for the tests of the editor.

import type { CorrectedJson, EditorJson, PersonJson, SourceJson } from "../../src/pose_editor/contract";

export const NAMES = ["nose", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];

export const EDITOR: EditorJson = {
  dataset_id: "d",
  pose_fields: ["poses"],
  pose_field: "poses",
  corrected_field: "poses_corrected",
  keypoint_names: NAMES,
  edges: [
    [1, 2],
    [1, 3],
    [3, 5],
    [2, 4],
    [4, 6],
  ],
  groups: { body: [0, 1, 2, 3, 4], hands: [5, 6] },
  flip_indices: [0, 2, 1, 4, 3, 6, 5],
  parents: [null, null, null, 1, 2, 3, 4],
  limbs: { arms: [1, 2, 3, 4, 5, 6], legs: [] },
  image_size_wh: [100, 80],
  image_problem: null,
  tokens: { save_pose_edits: "s", reestimate_pose: "r" },
  can_save: true,
  read_only: null,
  can_reestimate: null,
  reestimate_problem: null,
  editor_name: "ann",
  first_evidence: null,
  notes: [],
  people: [],
};

export function source(changes: Partial<SourceJson> = {}): SourceJson {
  return {
    label_id: "p",
    points_px: [[50, 10], [40, 20], [60, 20], [35, 30], [65, 30], [30, 40], null],
    visible: [2, 2, 2, 2, 2, 1, 0],
    origin: "model",
    confidence: [0.9, 0.8, 0.8, 0.7, 0.7, 0.3, null],
    score: 0.8,
    doubt: 0.2,
    keypoint_doubt: [0.1, 0.1, 0.1, 0.2, 0.2, 0.9, null],
    why: null,
    bbox_px: [25, 5, 50, 60],
    has_heatmaps: true,
    fix: null,
    ...changes,
  };
}

export function corrected(changes: Partial<CorrectedJson> = {}): CorrectedJson {
  const { points_px, visible, bbox_px } = source();
  return {
    label_id: "c",
    points_px,
    visible,
    origin: NAMES.map(() => "model"),
    status: "accepted",
    revision: 1,
    edited_at: null,
    edited_by: "bob",
    bbox_px,
    source_id: "p",
    source_gone: false,
    ...changes,
  };
}

export function person(changes: Partial<PersonJson> = {}): PersonJson {
  return { key: "p", source: source(), corrected: null, ...changes };
}
