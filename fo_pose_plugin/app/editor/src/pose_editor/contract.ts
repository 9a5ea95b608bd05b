// What the panel and the Python operators say to each other. All positions are pixels of the image as it is shown:
// relative position times width and height.

import type { Affine, Point } from "../geometry";

/** COCO's: absent, occluded, visible. */
export type Visible = 0 | 1 | 2;
/** Who placed a keypoint. */
export type Origin = "model" | "human";
export type Box = readonly [x: number, y: number, width: number, height: number];
export type SavedStatus = "accepted" | "corrected" | "added" | "rejected";

export interface FixJson {
  kind: string;
  why: string;
  points: { index: number; x_px: number | null; y_px: number | null; visible: Visible | null }[];
}

/** A person as the model (or whoever filled the pose field) saw them. */
export interface SourceJson {
  label_id: string;
  points_px: (Point | null)[];
  visible: Visible[];
  /** Who placed its keypoints: a model, or a person in a field of ground truth. */
  origin: Origin;
  confidence: (number | null)[];
  score: number | null;
  doubt: number | null;
  keypoint_doubt: (number | null)[] | null;
  why: string | null;
  bbox_px: Box | null;
  has_heatmaps: boolean;
  fix: FixJson | null;
}

/** What a person made of it. */
export interface CorrectedJson {
  label_id: string;
  points_px: (Point | null)[];
  visible: Visible[];
  origin: Origin[];
  status: SavedStatus;
  revision: number;
  edited_at: string | null;
  edited_by: string | null;
  bbox_px: Box | null;
  source_id: string | null;
  source_gone: boolean;
}

export interface PersonJson {
  key: string;
  source: SourceJson | null;
  corrected: CorrectedJson | null;
}

export interface EditorJson {
  dataset_id: string;
  pose_fields: string[];
  pose_field: string;
  corrected_field: string;
  keypoint_names: string[];
  edges: [number, number][];
  groups: Record<string, number[]>;
  flip_indices: number[];
  parents: (number | null)[];
  limbs: { arms: number[]; legs: number[] };
  image_size_wh: [number, number] | null;
  image_problem: string | null;
  tokens: { save_pose_edits: string; reestimate_pose: string };
  can_save: boolean;
  read_only: string | null;
  can_reestimate: string | null;
  reestimate_problem: string | null;
  editor_name: string;
  /** What else there is to know about the sample. */
  notes: string[];
  people: PersonJson[];
  /** The heatmaps of who is shown first: no other answer is awaited for them. */
  first_evidence: { label_id: string; evidence: EvidenceJson } | null;
}

/** A peak of a keypoint's heatmap; `share` is of the highest one. */
export interface Candidate {
  x_px: number;
  y_px: number;
  value: number;
  share: number;
}

export interface EvidenceJson {
  atlas: {
    src: string;
    columns: number;
    size_wh: [number, number];
    peaks: number[];
    scale_max: number;
    heatmap_to_image: Affine;
  };
  candidates: Candidate[][];
  note: string | null;
  witness: string | null;
}

export interface EditedPoint {
  x_px: number | null;
  y_px: number | null;
  visible: Visible;
  origin: Origin;
}

export interface Edit {
  key: string;
  source_id: string | null;
  label_id: string | null;
  base_revision: number;
  status: SavedStatus | "reset";
  points: Record<string, EditedPoint>;
  bbox_px?: Box | null;
}

export type SaveResult =
  | { key: string; outcome: "saved"; person: PersonJson | null }
  | { key: string; outcome: "conflict"; why: string; theirs: PersonJson | null }
  | { key: string; outcome: "failed"; why: string };

export interface SaveAnswer {
  results: SaveResult[];
  /** The sample as it is now, for the picture beside the panel. */
  sample?: Record<string, unknown> | null;
}

export interface ReestimateAnswer {
  person: { points_px: (Point | null)[]; confidence: (number | null)[]; score: number | null; bbox_px: Box };
  evidence: EvidenceJson | null;
  seconds: number;
}

export interface ProgressJson {
  reviewed: number;
  people: number;
  samples_reviewed: number;
  samples: number;
}
