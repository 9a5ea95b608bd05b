// Keep what is not saved in the browser at every change.

import { useEffect, useRef, useState } from "react";
import type { PersonJson } from "./contract";
import type { PersonDoc } from "./document";
import { dropDraft, keepDraft, stampOf, type DraftPlace } from "./drafts";
import type { Model } from "./model";
import { isDraft } from "./saving";

/** @returns Whether the browser refuses to keep drafts. */
export function useDrafts(place: DraftPlace, model: Model): boolean {
  const written = useRef(new Map<string, [PersonDoc, PersonJson]>());
  const [refused, setRefused] = useState(false);
  const { bases, conflicts, history } = model;
  useEffect(() => {
    const people = history.present;
    for (const [key, base] of bases) {
      const doc = people.get(key);
      const before = written.current.get(key);
      if (before?.[0] === doc && before?.[1] === base) continue;
      if (doc && isDraft(base, doc)) {
        // In a conflict the draft goes on from the version that it began from.
        if (conflicts.has(key) && !before) continue;
        const draft = { doc, revision: base.corrected?.revision ?? 0, stamp: stampOf(base) };
        if (!keepDraft(localStorage, place, key, draft)) setRefused(true);
      } else dropDraft(localStorage, place, key);
      if (doc) written.current.set(key, [doc, base]);
      else written.current.delete(key);
    }
    for (const key of written.current.keys()) {
      if (bases.has(key)) continue;
      dropDraft(localStorage, place, key);
      written.current.delete(key);
    }
  }, [place, bases, conflicts, history]);
  return refused;
}
