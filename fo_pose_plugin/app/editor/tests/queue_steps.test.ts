import { describe, expect, it } from "vitest";
import { stepsAlong } from "../src/queue_steps";

describe("stepsAlong", () => {
  it("goes along the queue and back", async () => {
    const steps = stepsAlong(["a", "b", "c"]);
    expect(steps.first).toEqual({ id: "a", hasNext: true, hasPrevious: false });
    expect(await steps.next()).toEqual({ id: "b", hasNext: true, hasPrevious: true });
    expect(await steps.next()).toEqual({ id: "c", hasNext: false, hasPrevious: true });
    expect(await steps.previous(2)).toEqual({ id: "a", hasNext: true, hasPrevious: false });
  });

  it("stays at its ends", async () => {
    const steps = stepsAlong(["a", "b"]);
    expect((await steps.previous()).id).toBe("a");
    expect((await steps.next(9)).id).toBe("b");
  });

  it("has nowhere to go in an empty queue", () => {
    expect(stepsAlong([]).first).toBeNull();
  });

  it("has no neighbour's data", async () => {
    expect(await stepsAlong(["a", "b"]).peek(1)).toBeNull();
  });
});
