// Run the model again on the chosen person's box.

import { useState } from "react";
import { decodeEvidence, reestimatePose } from "./calls";
import { boxAround } from "./document";
import { estimatedDoc } from "./model";
import type { Said, Situation } from "./situation";

export function useReestimate(now: Situation, say: (said: Said | null) => void) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    const { doc, person, editor, sampleId, tell } = now;
    const box = doc && (doc.box ?? boxAround(doc.points));
    if (!box || !person) return;
    setBusy(true);
    say({ kind: "hint", text: `${editor.can_reestimate} looks at the box …` });
    try {
      const answer = await reestimatePose(sampleId, editor, box);
      const { points_px: points, confidence } = answer.person;
      const evidence = answer.evidence && (await decodeEvidence(answer.evidence));
      now.onEstimated(person.key, { points, confidence }, evidence);
      const estimated = estimatedDoc(answer);
      const change = () => ({ ...estimated, box });
      tell({ type: "edit", key: person.key, label: "Re-estimate", at: Date.now(), change });
      tell({ type: "mode", mode: { kind: "edit" } });
      say({ kind: "done", text: `Estimated anew by ${editor.can_reestimate} in ${answer.seconds.toFixed(2)} s.` });
    } catch (error: unknown) {
      say({ kind: "wrong", text: error instanceof Error ? error.message : String(error) });
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}
