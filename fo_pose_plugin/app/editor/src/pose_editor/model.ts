// The state of the editor for one sample, and how it goes on. Without React, so that tests reach it.

import type { EditorJson, PersonJson, ReestimateAnswer, SaveResult } from "./contract";
import { differing, emptyPerson, newKey, sameDoc, savedDoc, withPerson, type People, type PersonDoc } from "./document";
import { stampOf, type Draft } from "./drafts";
import { begin, record, redo, replace, undo, type History } from "./history";

export interface Conflict {
  readonly why: string;
  /** What is saved now; null where the person is gone. */
  readonly theirs: PersonJson | null;
}

export type Mode =
  | { readonly kind: "edit" }
  /** Points of a new person are placed one after the other. */
  | { readonly kind: "add"; readonly key: string }
  | { readonly kind: "box" };

export interface Model {
  /** What is saved, as far as the panel knows. */
  readonly bases: ReadonlyMap<string, PersonJson>;
  readonly history: History<People>;
  readonly conflicts: ReadonlyMap<string, Conflict>;
  /** The chosen person's key. */
  readonly person: string | null;
  readonly keypoint: number | null;
  readonly mode: Mode;
  /** A peak that a drag ended near to, by its place among the candidates. */
  readonly offer: number | null;
}

export type Event =
  | { type: "edit"; key: string; label: string; at: number; merge?: string; change: (doc: PersonDoc) => PersonDoc }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "choose"; person?: string | null; keypoint?: number | null }
  | { type: "mode"; mode: Mode }
  | { type: "offer"; offer: number | null }
  | { type: "add"; key: string; at: number; doc: PersonDoc; guided: boolean }
  | { type: "end-add"; at: number }
  | { type: "remove"; key: string; at: number }
  | { type: "answered"; sent: People; results: readonly SaveResult[] }
  | { type: "keep-mine"; key: string }
  | { type: "keep-theirs"; key: string };

const EDIT: Mode = { kind: "edit" };

/** Whether a pose has as many points as the skeleton has keypoints. */
export function fits(person: PersonJson, count: number): boolean {
  const parts = [person.source, person.corrected].filter((part) => part !== null);
  return parts.length > 0 && parts.every((part) => part.points_px.length === count);
}

/** Begin with what is saved and what the browser kept. */
export function openModel(editor: EditorJson, drafts: ReadonlyMap<string, Draft>): Model {
  const count = editor.keypoint_names.length;
  const bases = new Map(editor.people.filter((person) => fits(person, count)).map((person) => [person.key, person]));
  const people = new Map<string, PersonDoc>();
  const conflicts = new Map<string, Conflict>();
  for (const [key, base] of bases) {
    const draft = drafts.get(key);
    const saved = savedDoc(base)!;
    people.set(key, draft?.doc ?? saved);
    // A draft that was saved, and whose answer was lost, is no conflict.
    if (draft && !stillValid(draft, base) && !sameDoc(draft.doc, saved)) conflicts.set(key, { why: changedSince(base), theirs: base });
  }
  for (const [key, draft] of drafts) {
    if (bases.has(key)) continue;
    bases.set(key, unsaved(key));
    people.set(key, draft.doc);
    if (draft.revision > 0 || draft.stamp) conflicts.set(key, { why: "This person was deleted meanwhile.", theirs: null });
  }
  const first = [...bases.values()].find((base) => !base.corrected) ?? [...bases.values()][0];
  return {
    bases,
    history: begin<People>(people),
    conflicts,
    person: first?.key ?? null,
    keypoint: null,
    mode: EDIT,
    offer: null,
  };
}

function stillValid(draft: Draft, base: PersonJson): boolean {
  return draft.revision === (base.corrected?.revision ?? 0) && draft.stamp === stampOf(base);
}

function changedSince(base: PersonJson): string {
  const by = base.corrected?.edited_by;
  return base.corrected ? `${by || "Someone"} saved another version meanwhile.` : "The prediction is another one now.";
}

/** Who is nowhere but in this browser. */
function unsaved(key: string): PersonJson {
  return { key, source: null, corrected: null };
}

export function step(model: Model, event: Event): Model {
  switch (event.type) {
    case "edit":
      return edited(model, event);
    case "undo":
    case "redo":
      return travelled(model, event.type === "undo" ? undo(model.history) : redo(model.history));
    case "choose":
      return chosen(model, event.person, event.keypoint);
    case "mode":
      return { ...model, mode: event.mode, offer: null };
    case "offer":
      return { ...model, offer: event.offer };
    case "add":
      return added(model, event);
    case "end-add":
      return endedAdding(model, event.at);
    case "remove":
      return removed(model, event.key, "Remove the person", event.at);
    case "answered":
      return event.results.reduce((before, result) => answered(before, result, event.sent.get(result.key)), model);
    case "keep-mine":
      return keptMine(model, event.key);
    case "keep-theirs":
      return keptTheirs(model, event.key);
  }
}

function edited(model: Model, event: Extract<Event, { type: "edit" }>): Model {
  const people = model.history.present;
  const before = people.get(event.key);
  const after = before && event.change(before);
  if (!after || after === before) return model;
  const next = withPerson(people, event.key, after);
  const history = record(model.history, next, event.label, event.at, event.merge ?? null);
  return { ...model, history, offer: null };
}

/** After undo or redo whoever changed is chosen, so that one sees what happened. */
function travelled(model: Model, history: History<People>): Model {
  if (history === model.history) return model;
  const before = model.history.present;
  const changed = [...history.present].find(([key, doc]) => before.get(key) !== doc);
  const [key, doc] = changed ?? [model.person, null];
  const person = key !== null && history.present.has(key) ? key : ([...history.present.keys()][0] ?? null);
  const was = key === null ? undefined : before.get(key);
  const moved = doc && was ? differing(was, doc) : [];
  const keypoint = moved.length === 1 ? moved[0]! : model.keypoint;
  const mode = model.mode.kind === "add" && !history.present.has(model.mode.key) ? EDIT : model.mode;
  return { ...model, history, person, keypoint, mode, offer: null };
}

function chosen(model: Model, person: string | null | undefined, keypoint: number | null | undefined): Model {
  const next = {
    ...model,
    person: person === undefined ? model.person : person,
    keypoint: keypoint === undefined ? model.keypoint : keypoint,
  };
  if (next.person === model.person && next.keypoint === model.keypoint) return model;
  return { ...next, offer: null };
}

function added(model: Model, event: Extract<Event, { type: "add" }>): Model {
  const bases = new Map(model.bases).set(event.key, unsaved(event.key));
  const people = withPerson(model.history.present, event.key, event.doc);
  return {
    ...model,
    bases,
    history: record(model.history, people, "Add a person", event.at),
    person: event.key,
    mode: event.guided ? { kind: "add", key: event.key } : EDIT,
    offer: null,
  };
}

/** End the guided placing; who got no point was not meant. */
function endedAdding(model: Model, at: number): Model {
  if (model.mode.kind !== "add") return model;
  const { key } = model.mode;
  const people = model.history.present;
  if (people.get(key)?.points.some((point) => point !== null)) return { ...model, mode: EDIT };
  return removed(model, key, "Give up adding", at);
}

/** Take out who is nowhere but in this browser: nothing is left that could be rejected. */
function removed(model: Model, key: string, label: string, at: number): Model {
  const left = withPerson(model.history.present, key, null);
  return {
    ...model,
    history: record(model.history, left, label, at),
    person: [...left.keys()][0] ?? null,
    mode: EDIT,
    offer: null,
  };
}

function answered(model: Model, result: SaveResult, sent: PersonDoc | undefined): Model {
  if (result.outcome === "failed") return model;
  if (result.outcome === "conflict") {
    const theirs = result.theirs && savedDoc(result.theirs);
    // Saved already, by an answer that did not arrive.
    if (theirs && sent && result.theirs?.corrected && sameDoc(theirs, sent)) {
      return answered(model, { key: result.key, outcome: "saved", person: result.theirs }, sent);
    }
    return { ...model, conflicts: new Map(model.conflicts).set(result.key, { why: result.why, theirs: result.theirs }) };
  }
  const conflicts = new Map(model.conflicts);
  conflicts.delete(result.key);
  const before = { ...model, conflicts };
  const gone = !result.person || (!result.person.source && !result.person.corrected);
  const bases = new Map(model.bases).set(result.key, gone ? unsaved(result.key) : result.person!);
  const present = model.history.present;
  // What was changed while the answer was on its way stays, as a draft on the new version.
  if (present.get(result.key) !== sent) return { ...before, bases };
  const saved = gone ? null : savedDoc(result.person!);
  const people = withPerson(present, result.key, saved);
  const person = people.has(model.person ?? "") ? model.person : ([...people.keys()][0] ?? null);
  return { ...before, bases, history: replace(model.history, people), person };
}

/** Their version becomes the one that mine differs from. */
function keptMine(model: Model, key: string): Model {
  const conflict = model.conflicts.get(key);
  if (!conflict) return model;
  const conflicts = new Map(model.conflicts);
  conflicts.delete(key);
  if (conflict.theirs) return { ...model, conflicts, bases: new Map(model.bases).set(key, conflict.theirs) };
  // Nothing is left that this person could be a correction of: it goes on as one that was added.
  const doc = model.history.present.get(key) ?? null;
  const fresh = newKey();
  const bases = new Map(model.bases).set(fresh, unsaved(fresh));
  bases.delete(key);
  const people = withPerson(withPerson(model.history.present, key, null), fresh, doc);
  return { ...model, conflicts, bases, history: begin<People>(people), person: fresh };
}

function keptTheirs(model: Model, key: string): Model {
  const conflict = model.conflicts.get(key);
  if (!conflict) return model;
  const conflicts = new Map(model.conflicts);
  conflicts.delete(key);
  const bases = new Map(model.bases).set(key, conflict.theirs ?? unsaved(key));
  const theirs = conflict.theirs && savedDoc(conflict.theirs);
  const people = withPerson(model.history.present, key, theirs);
  const person = people.has(model.person ?? "") ? model.person : ([...people.keys()][0] ?? null);
  return { ...model, conflicts, bases, history: begin<People>(people), person };
}

/** A new person as the model sees them in a box. */
export function estimatedDoc({ person }: ReestimateAnswer): PersonDoc {
  const doc = emptyPerson(person.points_px.length, person.bbox_px);
  return { ...doc, points: person.points_px, visible: person.points_px.map((point) => (point ? 2 : 0)) };
}
