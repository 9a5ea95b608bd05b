// Save people through Python; whatever goes wrong leaves the drafts as they are.

import { useCallback, useRef, useState } from "react";
import { savePoseEdits } from "./calls";
import type { Edit, EditorJson, SaveAnswer } from "./contract";
import type { Event, Model } from "./model";
import { editOf, type Intent } from "./saving";
import { useShownLabels } from "./use_shown_labels";

export interface Outcome {
  /** People whose review ended with this. */
  readonly reviewed: number;
  /** Whether everything that was sent is saved. */
  readonly complete: boolean;
  readonly problem: string | null;
}

const NOTHING: Outcome = { reviewed: 0, complete: true, problem: null };

export interface Saving {
  readonly busy: boolean;
  readonly save: (keys: readonly string[], intent: Intent) => Promise<Outcome>;
}

export function useSaving(
  sampleId: string,
  editor: EditorJson,
  model: Model,
  tell: (event: Event) => void,
): Saving {
  const [busy, setBusy] = useState(false);
  const running = useRef(false);
  const current = useRef(model);
  current.current = model;
  const show = useShownLabels(editor.corrected_field);
  const save = useCallback(
    async (keys: readonly string[], intent: Intent): Promise<Outcome> => {
      if (running.current) return { ...NOTHING, complete: false };
      const { bases, history, conflicts } = current.current;
      if (keys.some((key) => conflicts.has(key))) {
        return { reviewed: 0, complete: false, problem: "Someone else changed this person: choose a version first." };
      }
      const edits = keys.flatMap((key): Edit[] => {
        const [base, doc] = [bases.get(key), history.present.get(key)];
        // Who was begun and got no point yet is nobody.
        const nobody = base && !base.source && !base.corrected && !doc?.points.some((point) => point !== null);
        const edit = base && doc && !nobody ? editOf(base, doc, intent) : null;
        return edit ? [edit] : [];
      });
      if (!edits.length) return NOTHING;
      running.current = true;
      setBusy(true);
      try {
        const answer = await savePoseEdits({ sampleId, editor, edits });
        tell({ type: "answered", sent: history.present, results: answer.results });
        show(answer);
        return outcomeOf(answer, edits);
      } catch (error: unknown) {
        const why = error instanceof Error ? error.message : String(error);
        return { reviewed: 0, complete: false, problem: `Not saved: ${why} Your changes are kept in this browser.` };
      } finally {
        running.current = false;
        setBusy(false);
      }
    },
    [sampleId, editor, tell, show],
  );
  return { busy, save };
}

function outcomeOf({ results }: SaveAnswer, edits: readonly Edit[]): Outcome {
  const failed = results.find((result) => result.outcome === "failed");
  const conflict = results.some((result) => result.outcome === "conflict");
  const reset = new Set(edits.filter((edit) => edit.status === "reset").map((edit) => edit.key));
  const saved = results.filter((result) => result.outcome === "saved" && !reset.has(result.key));
  return {
    reviewed: saved.length,
    complete: !failed && !conflict && results.length === edits.length,
    problem: failed?.outcome === "failed" ? `Not saved: ${failed.why} Your changes are kept in this browser.` : null,
  };
}
