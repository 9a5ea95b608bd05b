import { describe, expect, it } from "vitest";
import { sourceDoc } from "../../src/pose_editor/document";
import { dropDraft, keepDraft, readDrafts, stampOf, type DraftPlace } from "../../src/pose_editor/drafts";
import { NAMES, person, source } from "./people";

class Shelf implements Storage {
  private readonly kept = new Map<string, string>();
  full = false;

  get length(): number {
    return this.kept.size;
  }

  clear(): void {
    this.kept.clear();
  }

  getItem(name: string): string | null {
    return this.kept.get(name) ?? null;
  }

  key(index: number): string | null {
    return [...this.kept.keys()][index] ?? null;
  }

  removeItem(name: string): void {
    this.kept.delete(name);
  }

  setItem(name: string, value: string): void {
    if (this.full) throw new Error("QuotaExceededError");
    this.kept.set(name, value);
  }
}

const PLACE: DraftPlace = { datasetId: "d", sampleId: "s", poseField: "a/b" };
const DRAFT = { doc: sourceDoc(person())!, revision: 2, stamp: "x" };

describe("drafts", () => {
  it("come back as they were, from their own sample and field only", () => {
    const shelf = new Shelf();
    expect(keepDraft(shelf, PLACE, "p", DRAFT)).toBe(true);
    keepDraft(shelf, { ...PLACE, sampleId: "other" }, "p", DRAFT);
    expect([...readDrafts(shelf, PLACE, NAMES.length)]).toEqual([["p", DRAFT]]);
    expect(readDrafts(shelf, { ...PLACE, poseField: "a" }, NAMES.length).size).toBe(0);
    dropDraft(shelf, PLACE, "p");
    expect(readDrafts(shelf, PLACE, NAMES.length).size).toBe(0);
  });

  it("are left out where they cannot be read or belong to another skeleton", () => {
    const shelf = new Shelf();
    keepDraft(shelf, PLACE, "p", DRAFT);
    shelf.setItem(`${shelf.key(0)}-torn`, "{");
    expect([...readDrafts(shelf, PLACE, NAMES.length).keys()]).toEqual(["p"]);
    expect(readDrafts(shelf, PLACE, NAMES.length + 1).size).toBe(0);
  });

  it("say where there is no room", () => {
    const shelf = new Shelf();
    shelf.full = true;
    expect(keepDraft(shelf, PLACE, "p", DRAFT)).toBe(false);
  });

  it("know another prediction by its stamp", () => {
    const other = person({ source: source({ points_px: source().points_px.map((p) => p && [p[0] + 1, p[1]]) }) });
    expect(stampOf(other)).not.toBe(stampOf(person()));
    expect(stampOf(person({ source: null }))).toBe("");
  });
});
