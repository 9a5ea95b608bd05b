// The chosen person's heatmaps and peaks; an answer that comes late is dropped.

import { useEffect, useRef, useState } from "react";
import { decodeEvidence, readEvidence, type Evidence } from "./calls";
import type { EditorJson } from "./contract";
import { Shelf } from "./shelf";

export interface EvidenceState {
  readonly evidence: Evidence | null;
  /** Why there is none. */
  readonly problem: string | null;
  readonly loading: boolean;
}

const NONE: EvidenceState = { evidence: null, problem: null, loading: false };

/**
 * @param labelId The prediction's id; null for who was added by hand.
 * @param following The prediction's id of who comes next, whose maps are fetched ahead; null for nobody.
 * @param estimated What a new estimate brought along, which needs no reading.
 */
export function useEvidence(
  sampleId: string,
  editor: EditorJson,
  labelId: string | null,
  following: string | null,
  estimated: Evidence | null,
): EvidenceState {
  const shelf = useRef<Shelf<Evidence> | null>(null);
  shelf.current ??= openShelf(sampleId, editor);
  const ahead = useRef(following);
  ahead.current = following;
  const [state, setState] = useState<EvidenceState>(NONE);
  useEffect(() => {
    if (labelId === null) {
      setState(NONE);
      return undefined;
    }
    let wanted = true;
    const show = (found: EvidenceState) => {
      if (!wanted) return;
      setState(found);
      // What is wrong with the next person's is said when they are chosen.
      if (ahead.current !== null) shelf.current!.read(ahead.current).catch(() => undefined);
    };
    setState({ evidence: null, problem: null, loading: true });
    shelf.current!.read(labelId).then(
      (evidence) => show({ evidence, problem: null, loading: false }),
      (error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error);
        show({ evidence: null, problem, loading: false });
      },
    );
    return () => {
      wanted = false;
    };
  }, [labelId]);
  return estimated ? { evidence: estimated, problem: null, loading: false } : state;
}

function openShelf(sampleId: string, editor: EditorJson): Shelf<Evidence> {
  const shelf = new Shelf((id: string) => readEvidence(sampleId, editor.pose_field, id));
  const first = editor.first_evidence;
  if (first) shelf.put(first.label_id, decodeEvidence(first.evidence));
  return shelf;
}
