import { describe, expect, it, vi } from "vitest";

const executeOperator = vi.hoisted(() => vi.fn());
vi.mock("@fiftyone/operators", () => ({ executeOperator }));

import { callOperator, Problem, problemOf } from "../src/operators";

describe("callOperator", () => {
  it("names the plugin, and gives the result", async () => {
    executeOperator.mockImplementation((_uri, _params, { callback }) => callback({ result: { people: 3 } }));
    await expect(callOperator("read_heatmaps", { sample_id: "x" })).resolves.toEqual({ people: 3 });
    expect(executeOperator.mock.calls[0]!.slice(0, 2)).toEqual([
      "@fo-pose/fo_pose_plugin/read_heatmaps",
      { sample_id: "x" },
    ]);
  });

  it("raises what the operator says", async () => {
    executeOperator.mockImplementation((_uri, _params, { callback }) => callback({ result: { problem: "gone" } }));
    await expect(callOperator("read_heatmaps", {})).rejects.toEqual(new Problem("gone"));
  });
});

describe("problemOf", () => {
  it("reads a sentence out of every kind of failure", () => {
    expect(problemOf({ result: { people: [] } })).toBeNull();
    expect(problemOf({ error: "x", errorMessage: "the database is gone" })).toBe("the database is gone");
    expect(problemOf({ error: "Traceback\n  File\nKeyError: 'x'\n" })).toBe("KeyError: 'x'");
    expect(problemOf({})).toContain("no answer");
  });
});
