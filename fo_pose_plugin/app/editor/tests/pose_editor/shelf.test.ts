import { describe, expect, it } from "vitest";
import { Shelf } from "../../src/pose_editor/shelf";

describe("a shelf", () => {
  it("asks once, also while an answer is awaited", async () => {
    const asked: string[] = [];
    const shelf = new Shelf(async (name) => {
      asked.push(name);
      return name.toUpperCase();
    });
    expect(await Promise.all([shelf.read("a"), shelf.read("a"), shelf.read("b")])).toEqual(["A", "A", "B"]);
    expect(await shelf.read("a")).toBe("A");
    expect(asked).toEqual(["a", "b"]);
  });

  it("asks again where there was no answer", async () => {
    let tries = 0;
    const shelf = new Shelf(() => (++tries === 1 ? Promise.reject(new Error("gone")) : Promise.resolve(tries)));
    await expect(shelf.read("a")).rejects.toThrow("gone");
    expect(await shelf.read("a")).toBe(2);
  });

  it("does not ask for what came unasked, but where that was of no use", async () => {
    const asked: string[] = [];
    const shelf = new Shelf(async (name: string) => {
      asked.push(name);
      return name.toUpperCase();
    });
    shelf.put("a", Promise.resolve("came along"));
    shelf.put("b", Promise.reject(new Error("damaged")));
    await expect(shelf.read("b")).rejects.toThrow("damaged");
    expect([await shelf.read("a"), await shelf.read("b")]).toEqual(["came along", "B"]);
    expect(asked).toEqual(["b"]);
  });
});
