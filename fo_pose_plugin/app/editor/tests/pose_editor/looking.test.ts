import { describe, expect, it } from "vitest";
import { bodyOf, byDoubt, nextHidden, shownIndices, stepIn } from "../../src/pose_editor/body";
import { nextCandidate, offerAfterDrag } from "../../src/pose_editor/candidates";
import type { Candidate } from "../../src/pose_editor/contract";
import { sourceDoc } from "../../src/pose_editor/document";
import { boxBetween, keypointAt, oppositeCorner, personAt } from "../../src/pose_editor/hits";
import { counted, NO_PACE, perMinute } from "../../src/pose_editor/rate";
import { fit, fitBox, reveal, toCanvas, toImage, zoomAt } from "../../src/pose_editor/viewport";
import { EDITOR, person } from "./people";

const BODY = bodyOf(EDITOR);
const DOC = sourceDoc(person())!;

describe("the way through the keypoints", () => {
  it("passes over hidden groups, and goes round", () => {
    const shown = shownIndices(BODY, new Set(["hands"]));
    expect(shown).toEqual([0, 1, 2, 3, 4]);
    expect([stepIn(shown, 4, 1), stepIn(shown, 0, -1), stepIn(shown, 6, 1), stepIn([], 0, 1)]).toEqual([0, 4, 0, null]);
  });

  it("takes the most doubtful first, and what nothing is known of last", () => {
    expect(byDoubt([0, 3, 5, 6], person().source!.keypoint_doubt!)).toEqual([5, 3, 0, 6]);
  });

  it("shows one group after the other", () => {
    const groups = ["body", "feet", "hands"];
    const seen = [nextHidden(groups, new Set())];
    for (let i = 0; i < 3; i++) seen.push(nextHidden(groups, new Set(seen.at(-1))));
    expect(seen).toEqual([["feet", "hands"], ["body", "hands"], ["body", "feet"], []]);
    expect(nextHidden(["body"], new Set())).toEqual([]);
  });

  it("knows the sides", () => {
    expect(BODY.sides.slice(0, 3)).toEqual(["middle", "left", "right"]);
  });
});

describe("candidates", () => {
  const peaks: Candidate[] = [
    { x_px: 10, y_px: 10, value: 0.9, share: 1 },
    { x_px: 40, y_px: 10, value: 0.4, share: 0.4 },
  ];

  it("go round from where the keypoint stands, or begin with the strongest", () => {
    expect(nextCandidate(peaks, [11, 10], 3, null)).toBe(1);
    expect(nextCandidate(peaks, [40, 11], 3, null)).toBe(0);
    expect(nextCandidate(peaks, [70, 70], 3, null)).toBe(0);
    expect(nextCandidate(peaks, null, 3, null)).toBe(0);
    expect(nextCandidate(peaks, [11, 10], 3, 0)).toBe(0);
    expect(nextCandidate([], null, 3, null)).toBeNull();
  });

  it("are offered near where a drag ends, unless the keypoint stands there", () => {
    expect(offerAfterDrag(peaks, [37, 12], 6)).toBe(1);
    expect(offerAfterDrag(peaks, [25, 10], 6)).toBeNull();
    expect(offerAfterDrag(peaks, [40, 10], 6)).toBeNull();
  });
});

describe("what lies under the pointer", () => {
  it("is the nearest keypoint that is shown; the chosen one is easier to grab", () => {
    expect(keypointAt(DOC, [1, 3], [38, 24], 10, null)).toBe(1);
    expect(keypointAt(DOC, [1, 3], [38, 24], 10, 3)).toBe(3);
    expect(keypointAt(DOC, [1], [80, 70], 10, null)).toBeNull();
  });

  it("is a person by a point or an edge", () => {
    expect(personAt([["p", DOC]], BODY.edges, [50, 21], 3)).toBe("p");
    expect(personAt([["p", DOC]], BODY.edges, [90, 70], 3)).toBeNull();
  });

  it("is a box's corner", () => {
    expect(oppositeCorner([10, 20, 30, 40], [41, 59], 3)).toEqual([10, 20]);
    expect(oppositeCorner([10, 20, 30, 40], [25, 40], 3)).toBeNull();
    expect(boxBetween([40, 60], [10, 20])).toEqual([10, 20, 30, 40]);
  });
});

describe("the viewport", () => {
  const size = [640, 480] as const;
  const canvas = [500, 400] as const;

  it("shows the whole image in the middle", () => {
    const view = fit(size, canvas);
    expect(toCanvas(view, [320, 240])).toEqual([250, 200]);
    expect(toCanvas(view, [0, 0])[0]).toBeGreaterThanOrEqual(0);
  });

  it("zooms about a place that stays, within limits", () => {
    const view = fit(size, canvas);
    const at = toCanvas(view, [100, 50]);
    const near = zoomAt(view, 3, at, size, canvas);
    expect(toImage(near, at)[0]).toBeCloseTo(100);
    expect(toImage(near, at)[1]).toBeCloseTo(50);
    expect(zoomAt(near, 1e6, at, size, canvas).scale).toBe(40);
    expect(zoomAt(near, 1e-6, at, size, canvas).scale).toBeCloseTo(view.scale / 2);
  });

  it("comes to a person, and to a keypoint that is out of sight", () => {
    const view = fitBox([100, 100, 50, 100], canvas);
    expect(toCanvas(view, [125, 150])).toEqual([250, 200]);
    expect(reveal(view, [125, 150], canvas)).toBe(view);
    const [x] = toCanvas(reveal(view, [600, 150], canvas), [600, 150]);
    expect(x).toBeLessThan(500);
  });
});

describe("the pace", () => {
  it("leaves breaks out", () => {
    const started = counted(NO_PACE, 0, 0);
    expect(perMinute(counted(started, 1, 6000))).toBeNull();
    const two = counted(counted(started, 1, 6000), 1, 12_000);
    expect(perMinute(two)).toBeCloseTo(10);
    expect(counted(two, 1, 9_999_999).workedMs).toBe(72_000);
  });
});
