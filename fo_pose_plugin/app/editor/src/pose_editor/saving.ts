// What is sent to be saved: per person what differs from the version that it began from.

import type { Edit, EditedPoint, PersonJson, SavedStatus } from "./contract";
import { differing, sameBox, sameDoc, savedDoc, sourceDoc, type PersonDoc } from "./document";

export type Status = "to review" | "draft" | "conflict" | SavedStatus;

/** Accepting ends the review of a person; keeping saves only what was changed. */
export type Intent = "accept" | "keep";

export function isDraft(person: PersonJson, doc: PersonDoc): boolean {
  const saved = savedDoc(person);
  return !saved || !sameDoc(saved, doc);
}

export function statusOf(person: PersonJson, doc: PersonDoc, inConflict: boolean): Status {
  if (inConflict) return "conflict";
  if (isDraft(person, doc)) return "draft";
  return person.corrected?.status ?? "to review";
}

/** The edit that saves a person as they are; null where there is nothing to say. */
export function editOf(person: PersonJson, doc: PersonDoc, intent: Intent): Edit | null {
  const { corrected, source } = person;
  const base = savedDoc(person);
  const draft = isDraft(person, doc);
  if (!draft && (intent === "keep" || corrected)) return null;
  if (doc.takenBack && intent === "keep") {
    return corrected && edit(person, "reset", {});
  }
  const status = savedStatus(person, doc);
  const indices = base ? differing(base, doc) : [...doc.points.keys()];
  const points = Object.fromEntries(indices.map((index) => [String(index), editedPoint(doc, index)]));
  const result = edit(person, status, points);
  const box = corrected?.bbox_px ?? source?.bbox_px ?? null;
  return sameBox(box, doc.box) ? result : { ...result, bbox_px: doc.box };
}

function savedStatus(person: PersonJson, doc: PersonDoc): SavedStatus {
  if (doc.rejected) return "rejected";
  const predicted = sourceDoc(person);
  if (!predicted) return person.corrected?.source_gone ? "corrected" : "added";
  const same = differing(predicted, doc).length === 0 && sameBox(predicted.box, doc.box);
  return same ? "accepted" : "corrected";
}

function edit(person: PersonJson, status: Edit["status"], points: Edit["points"]): Edit {
  return {
    key: person.key,
    source_id: person.source?.label_id ?? person.corrected?.source_id ?? null,
    label_id: person.corrected?.label_id ?? null,
    base_revision: person.corrected?.revision ?? 0,
    status,
    points,
  };
}

function editedPoint(doc: PersonDoc, index: number): EditedPoint {
  const point = doc.points[index] ?? null;
  return {
    x_px: point?.[0] ?? null,
    y_px: point?.[1] ?? null,
    visible: doc.visible[index] ?? 0,
    origin: doc.origin[index] ?? "model",
  };
}
