// What is not saved yet, kept in the browser at every change: it survives another sample, a reload and a dead server.

import type { PersonJson } from "./contract";
import type { PersonDoc } from "./document";

export interface DraftPlace {
  readonly datasetId: string;
  readonly sampleId: string;
  readonly poseField: string;
}

export interface Draft {
  readonly doc: PersonDoc;
  /** The saved version that it began from; 0 where nothing was saved. */
  readonly revision: number;
  /** Tells whether the prediction is still the one that was seen. */
  readonly stamp: string;
}

const PREFIX = "fo-pose-draft";

function prefixOf({ datasetId, sampleId, poseField }: DraftPlace): string {
  return `${PREFIX}/${datasetId}/${sampleId}/${encodeURIComponent(poseField)}/`;
}

/** A short name of a prediction: another run on the same person gives another one. */
export function stampOf(person: PersonJson): string {
  if (!person.source) return "";
  const text = JSON.stringify(person.source.points_px.map((point) => point?.map((value) => Math.round(value * 100))));
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return (hash >>> 0).toString(36);
}

/** Keep a draft; false where the browser has no room or does not allow it. */
export function keepDraft(storage: Storage, place: DraftPlace, key: string, draft: Draft): boolean {
  try {
    storage.setItem(prefixOf(place) + key, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(storage: Storage, place: DraftPlace, key: string): void {
  storage.removeItem(prefixOf(place) + key);
}

/** All drafts of a sample's pose field, by the person's key; one that cannot be read is left out. */
export function readDrafts(storage: Storage, place: DraftPlace, count: number): Map<string, Draft> {
  const prefix = prefixOf(place);
  const found = new Map<string, Draft>();
  for (let i = 0; i < storage.length; i++) {
    const name = storage.key(i);
    if (!name?.startsWith(prefix)) continue;
    const draft = parse(storage.getItem(name), count);
    if (draft) found.set(name.slice(prefix.length), draft);
  }
  return found;
}

function parse(text: string | null, count: number): Draft | null {
  try {
    const draft = JSON.parse(text ?? "null") as Draft | null;
    const doc = draft?.doc;
    const whole = [doc?.points, doc?.visible, doc?.origin].every((list) => Array.isArray(list) && list.length === count);
    return draft && whole && typeof draft.revision === "number" ? draft : null;
  } catch {
    return null;
  }
}
