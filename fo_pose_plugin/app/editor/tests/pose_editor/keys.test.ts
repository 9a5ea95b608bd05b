import { describe, expect, it } from "vitest";
import { actionOf, chordOf, KEYS } from "../../src/pose_editor/keys";

const PLAIN = { key: "", code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe("keys", () => {
  it("have one meaning each", () => {
    const chords = KEYS.flatMap((line) => line.chords);
    expect(new Set(chords).size).toBe(chords.length);
    expect(new Set(KEYS.map((line) => line.action)).size).toBe(KEYS.length);
  });

  it("are named with their modifiers; Shift is part of a sign", () => {
    expect(chordOf({ ...PLAIN, key: "z", ctrlKey: true })).toBe("Ctrl+Z");
    expect(chordOf({ ...PLAIN, key: "Z", metaKey: true, shiftKey: true })).toBe("Ctrl+Shift+Z");
    expect(chordOf({ ...PLAIN, key: "?", shiftKey: true })).toBe("?");
    expect(chordOf({ ...PLAIN, key: " ", shiftKey: true })).toBe("Shift+Space");
  });

  it("know Shift and 0 by the key's place, and 0 where it needs Shift", () => {
    const shifted = { ...PLAIN, code: "Digit0", shiftKey: true };
    expect(actionOf({ ...shifted, key: ")" })).toBe("absent-weaker");
    expect(actionOf({ ...shifted, key: "=" })).toBe("absent-weaker");
    expect(actionOf({ ...shifted, key: "0" })).toBe("absent");
  });

  it("find their actions, and others none", () => {
    expect(actionOf({ ...PLAIN, key: "t", ctrlKey: true })).toBe("swap-person");
    expect(actionOf({ ...PLAIN, key: "ArrowLeft", shiftKey: true })).toBe("far-left");
    expect(actionOf({ ...PLAIN, key: "Tab", shiftKey: true })).toBe("previous-keypoint");
    expect(actionOf({ ...PLAIN, key: "r", ctrlKey: true })).toBeNull();
    expect(actionOf({ ...PLAIN, key: "F5" })).toBeNull();
  });
});
