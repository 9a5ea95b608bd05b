import { describe, expect, it } from "vitest";
import { sourceDoc, type PersonDoc } from "../../src/pose_editor/document";
import { stampOf, type Draft } from "../../src/pose_editor/drafts";
import { setRejected, shift } from "../../src/pose_editor/edits";
import { openModel, step, type Event, type Model } from "../../src/pose_editor/model";
import { isDraft } from "../../src/pose_editor/saving";
import { corrected, EDITOR, person, source } from "./people";

const SIZE = [100, 80] as const;
const P = person();
const Q = person({ key: "q", source: source({ label_id: "q" }) });
const EDITING = { ...EDITOR, people: [P, Q] };
const NO_DRAFTS = new Map<string, Draft>();
const reject = (doc: PersonDoc) => setRejected(doc, true);

function run(model: Model, ...events: Event[]): Model {
  return events.reduce(step, model);
}

function move(key: string, by: number, at = 0): Event {
  return { type: "edit", key, label: "Nudge", at, merge: `nudge ${key}`, change: (doc) => shift(doc, [0], 0, [by, 0], SIZE) };
}

function xOf(model: Model, key: string): number | undefined {
  return model.history.present.get(key)?.points[0]?.[0];
}

describe("undo and redo", () => {
  it("go through the people's steps, and choose who changed", () => {
    const opened = openModel(EDITING, NO_DRAFTS);
    const edited = run(opened, move("p", 1), { type: "edit", key: "q", label: "Reject", at: 9, change: reject });
    const back = run(edited, { type: "choose", person: "p" }, { type: "undo" });
    expect(back.person).toBe("q");
    expect(back.history.present.get("q")!.rejected).toBe(false);
    expect(xOf(back, "p")).toBe(51);
    expect(run(back, { type: "redo" }).history.present.get("q")!.rejected).toBe(true);
    expect(run(back, { type: "undo" }, { type: "undo" }).history.present).toBe(opened.history.present);
  });

  it("take quick nudges as one step, slow ones as two", () => {
    const quick = run(openModel(EDITING, NO_DRAFTS), move("p", 1, 0), move("p", 1, 300), move("p", 1, 600));
    expect(xOf(quick, "p")).toBe(53);
    expect(xOf(run(quick, { type: "undo" }), "p")).toBe(50);
    const slow = run(openModel(EDITING, NO_DRAFTS), move("p", 1, 0), move("p", 1, 5000));
    expect(xOf(run(slow, { type: "undo" }), "p")).toBe(51);
  });

  it("a new step ends the way forward", () => {
    const model = run(openModel(EDITING, NO_DRAFTS), move("p", 1), { type: "undo" }, move("p", 7));
    expect(run(model, { type: "redo" })).toBe(model);
  });
});

describe("adding", () => {
  const doc = sourceDoc(P)!;
  const nobody = { ...doc, points: doc.points.map(() => null), visible: doc.visible.map(() => 0 as const) };

  it("who gets no point is gone again", () => {
    const adding = run(openModel(EDITING, NO_DRAFTS), { type: "add", key: "n", at: 0, doc: nobody, guided: true });
    expect([adding.person, adding.mode.kind]).toEqual(["n", "add"]);
    const ended = run(adding, { type: "end-add", at: 1 });
    expect([...ended.history.present.keys()]).toEqual(["p", "q"]);
    expect(ended.mode.kind).toBe("edit");
  });

  it("who was added and is taken out again is gone, until that is undone", () => {
    const adding = run(openModel(EDITING, NO_DRAFTS), { type: "add", key: "n", at: 0, doc, guided: false });
    const out = run(adding, { type: "remove", key: "n", at: 1 });
    expect([[...out.history.present.keys()], out.person]).toEqual([["p", "q"], "p"]);
    expect(run(out, { type: "undo" }).history.present.has("n")).toBe(true);
  });

  it("undoing it leaves the mode", () => {
    const adding = run(openModel(EDITING, NO_DRAFTS), { type: "add", key: "n", at: 0, doc: nobody, guided: true });
    const undone = run(adding, { type: "undo" });
    expect([undone.mode.kind, undone.history.present.has("n"), undone.person]).toEqual(["edit", false, "p"]);
  });
});

describe("answers", () => {
  it("a saved person is no draft any more; what was changed since stays one", () => {
    const saved = person({ corrected: corrected({ points_px: [[51, 10], ...source().points_px.slice(1)] }) });
    saved.corrected!.origin = ["human", ...saved.corrected!.origin.slice(1)];
    const edited = run(openModel(EDITING, NO_DRAFTS), move("p", 1));
    const answer: Event = { type: "answered", sent: edited.history.present, results: [{ key: "p", outcome: "saved", person: saved }] };
    const done = run(edited, answer);
    expect(isDraft(done.bases.get("p")!, done.history.present.get("p")!)).toBe(false);
    const later = run(edited, move("p", 5, 9000), answer);
    expect(isDraft(later.bases.get("p")!, later.history.present.get("p")!)).toBe(true);
    expect(xOf(later, "p")).toBe(56);
  });

  it("a conflict keeps both until one is picked", () => {
    const theirs = person({ corrected: corrected({ revision: 2, points_px: [[9, 9], ...source().points_px.slice(1)] }) });
    const edited = run(openModel(EDITING, NO_DRAFTS), move("p", 1));
    const torn = run(edited, {
      type: "answered",
      sent: edited.history.present,
      results: [{ key: "p", outcome: "conflict", why: "bob was here", theirs }],
    });
    expect([xOf(torn, "p"), torn.conflicts.get("p")?.why]).toEqual([51, "bob was here"]);
    const mine = run(torn, { type: "keep-mine", key: "p" });
    expect([xOf(mine, "p"), mine.bases.get("p")?.corrected?.revision, mine.conflicts.size]).toEqual([51, 2, 0]);
    const other = run(torn, { type: "keep-theirs", key: "p" });
    expect([xOf(other, "p"), isDraft(other.bases.get("p")!, other.history.present.get("p")!)]).toEqual([9, false]);
  });

  it("mine of a person who was deleted goes on as an added one", () => {
    const opened = openModel(EDITING, NO_DRAFTS);
    const torn = run(opened, {
      type: "answered",
      sent: opened.history.present,
      results: [{ key: "p", outcome: "conflict", why: "gone", theirs: null }],
    });
    const mine = run(torn, { type: "keep-mine", key: "p" });
    const fresh = [...mine.history.present.keys()].find((key) => key !== "q")!;
    expect(fresh).toMatch(/^[0-9a-f]{24}$/);
    expect(mine.bases.get(fresh)).toEqual({ key: fresh, source: null, corrected: null });
    expect([...run(torn, { type: "keep-theirs", key: "p" }).history.present.keys()]).toEqual(["q"]);
  });
});

describe("opening with drafts", () => {
  const doc = reject(sourceDoc(P)!);

  it("goes on where one stopped", () => {
    const model = openModel(EDITING, new Map([["p", { doc, revision: 0, stamp: stampOf(P) }]]));
    expect(model.history.present.get("p")!.rejected).toBe(true);
    expect(model.conflicts.size).toBe(0);
  });

  it("is a conflict where someone saved meanwhile, the prediction is another one, or the person is gone", () => {
    const saved = { ...EDITING, people: [person({ corrected: corrected({ revision: 1 }) }), Q] };
    expect(openModel(saved, new Map([["p", { doc, revision: 0, stamp: stampOf(P) }]])).conflicts.get("p")?.why).toMatch(/^bob/);
    expect(openModel(EDITING, new Map([["p", { doc, revision: 0, stamp: "x" }]])).conflicts.size).toBe(1);
    expect(openModel(EDITING, new Map([["z", { doc, revision: 2, stamp: "x" }]])).conflicts.get("z")?.theirs).toBeNull();
  });

  it("brings back who was added and not saved", () => {
    const model = openModel(EDITING, new Map([["n", { doc, revision: 0, stamp: "" }]]));
    expect([...model.history.present.keys()]).toEqual(["p", "q", "n"]);
    expect(model.conflicts.size).toBe(0);
  });

  it("leaves out poses of another skeleton", () => {
    const odd = person({ key: "o", source: source({ points_px: [[1, 1]], visible: [2] }) });
    expect([...openModel({ ...EDITING, people: [odd, Q] }, NO_DRAFTS).history.present.keys()]).toEqual(["q"]);
  });
});
