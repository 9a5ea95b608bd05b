import { describe, expect, it } from "vitest";
import { ALL, choicesOf, fitting, indicesOf, initiallyFolded, keyOf, partOf, step, type Skeleton } from "../src/keypoints";

const WHOLE: Skeleton = {
  names: ["nose", "left_wrist", "face-0", "left_hand_root"],
  groups: new Map([
    ["body", [0, 1]],
    ["face", [2]],
    ["hands", [3]],
  ]),
};
const BODY: Skeleton = { names: ["nose", "left_wrist"], groups: new Map([["body", [0, 1]]]) };
const NOSE = { kind: "keypoint", name: "nose" } as const;
const FACE = { kind: "group", group: "face" } as const;

describe("the way through the keypoints", () => {
  it("passes over folded groups", () => {
    expect([...initiallyFolded(WHOLE)]).toEqual(["face", "hands"]);
    const keys = choicesOf(WHOLE, initiallyFolded(WHOLE)).map(keyOf);
    expect(keys).toEqual(["all", "group body", "keypoint nose", "keypoint left_wrist"]);
    expect(choicesOf(WHOLE, new Set())).toHaveLength(1 + 3 + 4);
  });

  it("has no groups where there is only one", () => {
    expect(choicesOf(BODY, new Set()).map(keyOf)).toEqual(["all", "keypoint nose", "keypoint left_wrist"]);
  });

  it("ends at both ends", () => {
    const choices = choicesOf(BODY, new Set());
    expect(step(choices, ALL, -1)).toEqual(ALL);
    expect(step(choices, ALL, 1)).toEqual(NOSE);
    expect(keyOf(step(choices, NOSE, 9))).toBe("keypoint left_wrist");
  });

  it("begins anew where the choice is folded away", () => {
    expect(step(choicesOf(WHOLE, initiallyFolded(WHOLE)), FACE, 1)).toEqual(ALL);
  });
});

describe("partOf", () => {
  const hands: Skeleton = {
    names: ["nose", "left_thumb1", "left_thumb2", "right_thumb1"],
    groups: new Map([
      ["body", [0]],
      ["hands", [1, 2, 3]],
    ]),
  };

  it("shows one hand by itself, both together, and the body in the whole crop", () => {
    expect(partOf(hands, "hands", [2])).toEqual({ name: "left hands", indices: [1, 2] });
    expect(partOf(hands, "hands", [1, 2, 3])).toEqual({ name: "hands", indices: [1, 2, 3] });
    expect(partOf(hands, "body", [0]).indices).toBeNull();
    expect(partOf(hands, "hands", [0, 1]).indices).toBeNull();
  });
});

describe("a choice on another skeleton", () => {
  it("stays where the keypoint is there too, and is all where it is not", () => {
    expect(fitting(BODY, NOSE)).toEqual(NOSE);
    expect(fitting(BODY, FACE)).toEqual(ALL);
    expect(fitting(BODY, { kind: "keypoint", name: "face-0" })).toEqual(ALL);
  });

  it("names the maps", () => {
    expect(indicesOf(WHOLE, ALL)).toEqual([0, 1, 2, 3]);
    expect(indicesOf(WHOLE, FACE)).toEqual([2]);
    expect(indicesOf(WHOLE, { kind: "keypoint", name: "left_wrist" })).toEqual([1]);
  });
});
