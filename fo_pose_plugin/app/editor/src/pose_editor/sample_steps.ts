// To the next and the previous sample of the view, as the App's own arrows go there.

import { modalNavigation, modalSelector, useSetExpandedSample } from "@fiftyone/state";
import { useCallback } from "react";
import { useRecoilValue } from "recoil";

export interface SampleSteps {
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
  /** Resolves when the App was told; false where there is no further sample. */
  readonly go: (by: 1 | -1) => Promise<boolean>;
}

export function useSampleSteps(): SampleSteps {
  const open = useRecoilValue(modalSelector);
  const show = useSetExpandedSample();
  const hasNext = open?.hasNext === true;
  const hasPrevious = open?.hasPrevious === true;
  const go = useCallback(
    async (by: 1 | -1) => {
      const steps = modalNavigation.get();
      if (!steps || !(by > 0 ? hasNext : hasPrevious)) return false;
      await show(await (by > 0 ? steps.next(1) : steps.previous(1)));
      return true;
    },
    [hasNext, hasPrevious, show],
  );
  return { hasNext, hasPrevious, go };
}
