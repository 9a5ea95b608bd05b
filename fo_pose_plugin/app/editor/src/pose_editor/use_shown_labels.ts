// The sample beside the panel shows what was saved.

import { executeOperator } from "@fiftyone/operators";
import { fieldSchema, State, useModalSample, useRefreshSample, useSetModalState } from "@fiftyone/state";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useRecoilValue } from "recoil";
import type { SaveAnswer } from "./contract";

/** The names of the dataset's fields. */
function useFieldNames(): readonly string[] {
  const schema = useRecoilValue(fieldSchema({ space: State.SPACE.SAMPLE }));
  return useMemo(() => Object.keys(schema ?? {}), [schema]);
}

/** The open sample lists the fields that there were when it opened: let it list new ones. For the whole panel. */
export function useNewFields(): void {
  const setModalState = useSetModalState();
  const names = useFieldNames();
  const listed = useRef(names);
  useEffect(() => {
    const isNew = names.some((name) => !listed.current.includes(name));
    listed.current = names;
    if (isNew) void setModalState();
  }, [names, setModalState]);
}

/** @returns Takes an answer's sample into the open one. */
export function useShownLabels(correctedField: string): (answer: SaveAnswer) => void {
  const modal = useModalSample();
  const refresh = useRefreshSample();
  const known = useRef(false);
  known.current = useFieldNames().includes(correctedField);
  const open = useRef(modal);
  if (modal) open.current = modal;
  return useCallback(
    ({ sample }) => {
      const shown = open.current?.sample;
      if (!sample || !shown || shown._id !== sample._id) return;
      // The other fields stay as the view filters them.
      refresh({ ...shown, [correctedField]: sample[correctedField] });
      // The first correction of a dataset makes the field.
      if (!known.current) executeOperator("reload_dataset", {});
    },
    [correctedField, refresh],
  );
}
