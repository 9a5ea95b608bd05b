import { describe, expect, it } from "vitest";
import { allPairs, bodyOf, limbPairs } from "../../src/pose_editor/body";
import { sameDoc, sourceDoc } from "../../src/pose_editor/document";
import {
  applyFix,
  place,
  removeWeaker,
  resetPerson,
  resetPoint,
  setRejected,
  setVisible,
  shift,
  swap,
} from "../../src/pose_editor/edits";
import { EDITOR, person } from "./people";

const DOC = sourceDoc(person())!;
const BODY = bodyOf(EDITOR);
const SIZE = [100, 80] as const;

describe("moving", () => {
  it("moves one keypoint, which is a person's from then on", () => {
    const moved = shift(DOC, [5], 5, [3, -2], SIZE);
    expect(moved.points[5]).toEqual([33, 38]);
    expect(moved.origin[5]).toBe("human");
    expect(moved.visible[5]).toBe(1);
    expect(DOC.points[5]).toEqual([30, 40]);
    expect(moved.points[3]).toBe(DOC.points[3]);
  });

  it("keeps the grabbed keypoint in the image, and the limb's shape", () => {
    const moved = shift(DOC, BODY.limbs[3]!, 3, [-100, 0], SIZE);
    expect(moved.points[3]).toEqual([0, 30]);
    expect(moved.points[5]).toEqual([-5, 40]);
    expect(moved.points[1]).toEqual([40, 20]);
  });

  it("moves a limb without what is absent", () => {
    expect(BODY.limbs[2]).toEqual([2, 4, 6]);
    const moved = shift(DOC, BODY.limbs[2]!, 2, [1, 1], SIZE);
    expect(moved.points.slice(4)).toEqual([[66, 31], [30, 40], null]);
  });

  it("does nothing to an absent keypoint, or by no way", () => {
    expect(shift(DOC, [6], 6, [1, 0], SIZE)).toBe(DOC);
    expect(shift(DOC, [5], 5, [0, 0], SIZE)).toBe(DOC);
  });
});

describe("visibility", () => {
  it("absent takes the place away; visible brings it back where it was predicted", () => {
    const absent = setVisible(DOC, 0, 0, null);
    expect(absent.points[0]).toBeNull();
    const back = setVisible(absent, 0, 2, DOC.points[0]!);
    expect([back.points[0], back.visible[0]]).toEqual([[50, 10], 2]);
    expect(setVisible(absent, 0, 2, null)).toBe(absent);
  });

  it("takes away all that the model was no surer of, and leaves the rest", () => {
    const left = removeWeaker(DOC, 3, person().source!.confidence);
    expect(left.visible).toEqual([2, 2, 2, 0, 0, 0, 0]);
    expect(left.origin.map((one) => one === "human")).toEqual([false, false, false, true, true, true, false]);
    expect(removeWeaker(left, 6, person().source!.confidence)).toBe(left);
  });

  it("occluded keeps the place", () => {
    const occluded = setVisible(DOC, 0, 1, null);
    expect([occluded.points[0], occluded.visible[0]]).toEqual([[50, 10], 1]);
    expect(setVisible(occluded, 0, 1, null)).toBe(occluded);
  });

  it("placing makes an absent one visible and leaves an occluded one occluded", () => {
    expect(place(DOC, 6, [70, 90], SIZE).points[6]).toEqual([70, 80]);
    expect(place(DOC, 6, [70, 40], SIZE).visible[6]).toBe(2);
    expect(place(DOC, 5, [1, 1], SIZE).visible[5]).toBe(1);
  });
});

describe("swapping", () => {
  it("swaps the person, and twice is nothing but who did it", () => {
    const swapped = swap(DOC, allPairs(BODY));
    expect(swapped.points).toEqual([[50, 10], [60, 20], [40, 20], [65, 30], [35, 30], null, [30, 40]]);
    expect(swapped.visible.slice(5)).toEqual([0, 1]);
    expect(swap(swapped, allPairs(BODY)).points).toEqual(DOC.points);
  });

  it("swaps the arms from the shoulders on", () => {
    expect(limbPairs(BODY, "arms")).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(limbPairs(BODY, "legs")).toEqual([]);
    expect(swap(DOC, limbPairs(BODY, "legs"))).toBe(DOC);
  });
});

describe("going back", () => {
  it("resets a point and the person to the prediction", () => {
    const moved = shift(setVisible(DOC, 0, 0, null), [5], 5, [3, 3], SIZE);
    expect(sameDoc(resetPoint(resetPoint(moved, 0, DOC), 5, DOC), DOC)).toBe(true);
    expect(sameDoc({ ...resetPerson(DOC), takenBack: false }, DOC)).toBe(true);
  });

  it("rejects and takes back in", () => {
    expect(setRejected(DOC, true).rejected).toBe(true);
    expect(sameDoc(setRejected(setRejected(DOC, true), false), DOC)).toBe(true);
  });
});

describe("a suggested fix", () => {
  it("moves, hides and leaves the rest", () => {
    const fixed = applyFix(DOC, {
      kind: "swap",
      why: "",
      points: [
        { index: 0, x_px: 1, y_px: 2, visible: null },
        { index: 1, x_px: null, y_px: null, visible: 0 },
        { index: 2, x_px: null, y_px: null, visible: 1 },
        { index: 99, x_px: 1, y_px: 1, visible: 2 },
      ],
    });
    expect(fixed.points.slice(0, 3)).toEqual([[1, 2], null, [60, 20]]);
    expect(fixed.visible.slice(0, 3)).toEqual([2, 0, 1]);
  });
});
