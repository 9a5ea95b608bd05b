import { describe, expect, it } from "vitest";
import { confidenceOf, emptyPerson, savedDoc, sourceDoc } from "../../src/pose_editor/document";
import { place, resetPerson, setRejected, setVisible, shift } from "../../src/pose_editor/edits";
import { editOf, statusOf } from "../../src/pose_editor/saving";
import { corrected, NAMES, person } from "./people";

const SIZE = [100, 80] as const;
const NEW = person();
const DOC = sourceDoc(NEW)!;

describe("what is sent", () => {
  it("an untouched person is accepted without a point, and not saved unless accepted", () => {
    expect(editOf(NEW, DOC, "accept")).toEqual({
      key: "p",
      source_id: "p",
      label_id: null,
      base_revision: 0,
      status: "accepted",
      points: {},
    });
    expect(editOf(NEW, DOC, "keep")).toBeNull();
  });

  it("a corrected person sends what differs from the prediction, nothing else", () => {
    const edit = editOf(NEW, shift(DOC, [5], 5, [1, 2], SIZE), "keep")!;
    expect(edit.status).toBe("corrected");
    expect(edit.points).toEqual({ "5": { x_px: 31, y_px: 42, visible: 1, origin: "human" } });
  });

  it("an absent point has no place", () => {
    expect(editOf(NEW, setVisible(DOC, 0, 0, null), "accept")!.points["0"]).toEqual({
      x_px: null,
      y_px: null,
      visible: 0,
      origin: "human",
    });
  });

  it("differs from the correction where there is one, by its revision", () => {
    const saved = person({ corrected: corrected({ revision: 3, points_px: DOC.points.map((p) => p && [p[0] + 1, p[1]]) }) });
    const doc = shift(savedDoc(saved)!, [0], 0, [0, 5], SIZE);
    const edit = editOf(saved, doc, "accept")!;
    expect([edit.base_revision, edit.label_id, Object.keys(edit.points)]).toEqual([3, "c", ["0"]]);
    expect(editOf(saved, savedDoc(saved)!, "accept")).toBeNull();
  });

  it("a person moved back to the prediction is accepted, or taken back where it is only saved", () => {
    const moved = corrected({ status: "corrected", points_px: DOC.points.map((p) => p && [p[0] + 1, p[1]]) });
    const saved = person({ corrected: { ...moved, origin: NAMES.map(() => "human") } });
    expect(editOf(saved, resetPerson(DOC), "accept")!.status).toBe("accepted");
    expect(editOf(saved, resetPerson(DOC), "keep")).toMatchObject({ status: "reset", points: {} });
    expect(editOf(NEW, resetPerson(DOC), "keep")).toBeNull();
  });

  it("rejects, and adds with all points", () => {
    expect(editOf(NEW, setRejected(DOC, true), "accept")!.status).toBe("rejected");
    const added = place(emptyPerson(NAMES.length, [1, 2, 3, 4]), 0, [5, 6], SIZE);
    const edit = editOf({ key: "n", source: null, corrected: null }, added, "keep")!;
    expect([edit.status, Object.keys(edit.points).length, edit.bbox_px]).toEqual(["added", NAMES.length, [1, 2, 3, 4]]);
  });
});

describe("the status that is shown", () => {
  it("tells drafts from what is saved", () => {
    expect(statusOf(NEW, DOC, false)).toBe("to review");
    expect(statusOf(NEW, setRejected(DOC, true), false)).toBe("draft");
    expect(statusOf(NEW, DOC, true)).toBe("conflict");
    const rejected = person({ corrected: corrected({ status: "rejected" }) });
    expect(savedDoc(rejected)!.rejected).toBe(true);
    expect(statusOf(rejected, savedDoc(rejected)!, false)).toBe("rejected");
  });
});

describe("how sure the model was", () => {
  const points = DOC.points.map((point) => point && ([point[0] + 3, point[1]] as const));
  const anew = { points, confidence: NAMES.map((_, index) => index / 10) };

  it("is the prediction's where the person stands as predicted, and the new estimate's where not", () => {
    const before = NEW.source!.confidence;
    expect(confidenceOf(DOC, NEW, null)).toEqual(before);
    expect(confidenceOf(DOC, NEW, anew)).toEqual(before);
    const estimated = { ...DOC, points };
    const expected = points.map((point, index) => (point ? anew.confidence[index] : before[index]));
    expect(confidenceOf(estimated, NEW, anew)).toEqual(expected);
  });

  it("is not known of who was placed by hand", () => {
    const added = { key: "n", source: null, corrected: null };
    const doc = place(emptyPerson(NAMES.length), 0, [5, 6], SIZE);
    expect(confidenceOf(doc, added, null)[0] ?? null).toBeNull();
    expect(confidenceOf({ ...doc, points }, added, anew)[0]).toBe(0);
  });
});
