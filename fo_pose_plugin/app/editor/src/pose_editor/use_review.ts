// Accepting, saving and going on; and how far the review of the view is.

import { useCallback, useEffect, useRef, useState } from "react";
import { readProgress } from "./calls";
import type { ProgressJson } from "./contract";
import { counted } from "./rate";
import { useSampleSteps, type SampleSteps } from "./sample_steps";
import { isDraft, type Intent } from "./saving";
import type { Said, Situation } from "./situation";
import { useSaving } from "./use_saving";

export interface Review {
  readonly busy: boolean;
  readonly progress: ProgressJson | null;
  readonly steps: SampleSteps;
  readonly acceptPerson: () => Promise<void>;
  readonly acceptAll: () => Promise<void>;
  readonly saveDrafts: () => Promise<void>;
  readonly go: (by: 1 | -1) => Promise<void>;
}

export function useReview(now: Situation, say: (said: Said | null) => void): Review {
  const { sampleId, editor, model, tell, change, settings } = now;
  const { busy, save } = useSaving(sampleId, editor, model, tell);
  const steps = useSampleSteps();
  const [progress, refresh] = useProgress(editor.pose_field);
  const pace = useRef(settings.pace);
  pace.current = settings.pace;
  useEffect(() => {
    if (pace.current.last === null) change({ pace: counted(pace.current, 0, Date.now()) });
  }, [change]);

  const saveAll = async (keys: readonly string[], intent: Intent): Promise<boolean> => {
    const torn = keys.find((key) => model.conflicts.has(key));
    if (torn !== undefined) tell({ type: "choose", person: torn });
    if (model.mode.kind === "add") tell({ type: "end-add", at: Date.now() });
    const outcome = await save(keys, intent);
    if (outcome.reviewed) {
      change({ pace: counted(pace.current, outcome.reviewed, Date.now()) });
      refresh();
    }
    if (outcome.problem !== null) say({ kind: "wrong", text: outcome.problem });
    return outcome.complete;
  };
  const keys = [...model.history.present.keys()];

  const go = async (by: 1 | -1) => {
    say(null);
    if (await steps.go(by)) return;
    say({ kind: "hint", text: by > 0 ? "This is the last sample of the view." : "This is the first sample of the view." });
  };

  const acceptPerson = async () => {
    const key = model.person;
    if (key === null || !(await saveAll([key], "accept"))) return;
    // On to who is left, beginning after this person.
    const place = keys.indexOf(key);
    const left = [...keys.slice(place + 1), ...keys.slice(0, place)].find((one) => {
      const [base, doc] = [model.bases.get(one), model.history.present.get(one)];
      return base && doc && (!base.corrected || isDraft(base, doc));
    });
    if (left !== undefined) tell({ type: "choose", person: left });
    say({ kind: "done", text: left === undefined ? "Everyone here is reviewed: Space goes on." : "Saved." });
  };

  const acceptAll = async () => {
    if (!(await saveAll(keys, "accept"))) return;
    await go(1);
  };

  const saveDrafts = async () => {
    if (await saveAll(keys, "keep")) say({ kind: "done", text: "Saved." });
  };

  return { busy, progress, steps, acceptPerson, acceptAll, saveDrafts, go };
}

function useProgress(poseField: string): [ProgressJson | null, () => void] {
  const [progress, setProgress] = useState<ProgressJson | null>(null);
  const latest = useRef(0);
  const refresh = useCallback(() => {
    const asked = ++latest.current;
    readProgress(poseField).then(
      (found) => asked === latest.current && setProgress(found),
      // Without it the review goes on.
      () => asked === latest.current && setProgress(null),
    );
  }, [poseField]);
  useEffect(() => {
    refresh();
    return () => {
      latest.current++;
    };
  }, [refresh]);
  return [progress, refresh];
}
