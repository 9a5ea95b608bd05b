// What the panel asks of Python.

import { decodeHeatmaps, type Heatmaps } from "../heatmaps";
import { callOperator } from "../operators";
import type { Candidate, Edit, EditorJson, EvidenceJson, ProgressJson, ReestimateAnswer, SaveAnswer } from "./contract";

/** A person's heatmaps and their peaks; `toPicture` of the maps goes into image pixels. */
export interface Evidence {
  readonly maps: Heatmaps;
  readonly candidates: readonly (readonly Candidate[])[];
  /** What there is to know about where they come from. */
  readonly note: string | null;
}

export async function readEditor(sampleId: string, poseField: string | null): Promise<EditorJson> {
  const params = { sample_id: sampleId, pose_field: poseField };
  return (await callOperator<{ editor: EditorJson }>("read_pose_editor", params)).editor;
}

export async function readEvidence(sampleId: string, poseField: string, labelId: string): Promise<Evidence> {
  const params = { sample_id: sampleId, pose_field: poseField, label_id: labelId };
  return decodeEvidence((await callOperator<{ evidence: EvidenceJson }>("read_pose_evidence", params)).evidence);
}

export async function decodeEvidence(json: EvidenceJson): Promise<Evidence> {
  const { heatmap_to_image, ...atlas } = json.atlas;
  const maps = await decodeHeatmaps({ ...atlas, to_picture: heatmap_to_image, note: json.note });
  return { maps, candidates: json.candidates, note: json.witness ?? json.note };
}

export async function readProgress(poseField: string): Promise<ProgressJson> {
  return (await callOperator<{ progress: ProgressJson }>("read_review_progress", { pose_field: poseField })).progress;
}

interface Saved {
  readonly sampleId: string;
  readonly editor: EditorJson;
  readonly edits: readonly Edit[];
}

export function savePoseEdits({ sampleId, editor, edits }: Saved): Promise<SaveAnswer> {
  return callOperator<SaveAnswer>("save_pose_edits", {
    sample_id: sampleId,
    pose_field: editor.pose_field,
    form_token: editor.tokens.save_pose_edits,
    edited_by: editor.editor_name,
    edits,
  });
}

export function reestimatePose(
  sampleId: string,
  editor: EditorJson,
  box: readonly [number, number, number, number],
): Promise<ReestimateAnswer> {
  return callOperator<ReestimateAnswer>("reestimate_pose", {
    sample_id: sampleId,
    pose_field: editor.pose_field,
    form_token: editor.tokens.reestimate_pose,
    bbox_px: box,
  });
}
