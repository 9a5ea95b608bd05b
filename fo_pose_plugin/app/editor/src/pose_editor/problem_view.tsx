import React, { useEffect } from "react";
import { Message } from "../message";
import { useSampleSteps } from "./sample_steps";
import type { KeyHandler } from "./use_editor_keys";

interface Props {
  readonly text: string;
  readonly keys: React.MutableRefObject<KeyHandler | null>;
  readonly onRetry: () => void;
  /** Back to the field that is shown at first; null where it is that one. */
  readonly onFirstField: (() => void) | null;
}

/** A sample that cannot be edited: why, and the way on. */
export function ProblemView({ text, keys, onRetry, onFirstField }: Props) {
  const { go } = useSampleSteps();
  useEffect(() => {
    keys.current = {
      act: (action) => {
        if (action === "next" || action === "accept-all") void go(1);
        if (action === "previous") void go(-1);
      },
      escape: () => false,
    };
    return () => {
      keys.current = null;
    };
  }, [keys, go]);
  return (
    <div className="fpe-problem" data-cy="pose-editor-message">
      <Message title="There is nothing to edit here" text={text} />
      <div className="fpe-soft">Space goes on to the next sample, Shift+Space back.</div>
      <div>
        <button type="button" className="fpe-primary" onClick={onRetry}>
          Try again
        </button>
        {onFirstField ? (
          <button type="button" className="fpe-primary" onClick={onFirstField}>
            Another field
          </button>
        ) : null}
      </div>
    </div>
  );
}
