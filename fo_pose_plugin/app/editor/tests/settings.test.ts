import { describe, expect, it } from "vitest";
import { INITIAL, parse } from "../src/settings";

describe("parse", () => {
  it("gives back what was kept, and the initial value for what was not", () => {
    const kept = { ...INITIAL, choice: { kind: "keypoint", name: "nose" }, folded: ["face"] };
    expect(parse(JSON.stringify(kept))).toEqual(kept);
    expect(parse('{"ownScale": true}')).toEqual({ ...INITIAL, ownScale: true });
  });

  it("outlives what is no settings", () => {
    for (const kept of [null, "", "{", "5", "null"]) expect(parse(kept)).toEqual(INITIAL);
  });
});
