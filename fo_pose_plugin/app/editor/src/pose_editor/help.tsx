import React from "react";
import { KEYS, MOUSE, readableChords } from "./keys";

/** The keys, from the table that carries them out. */
export function Help({ onClose }: { onClose: () => void }) {
  const lines = KEYS.filter((line) => !line.silent);
  const parts = [...new Set(lines.map((line) => line.part))];
  return (
    <div className="fpe-help" data-cy="pose-editor-help" role="dialog" aria-label="Keys of the pose editor">
      <header>
        <b>Keys</b>
        <button type="button" onClick={onClose}>
          Close (Esc)
        </button>
      </header>
      <div className="fpe-help-parts">
        {parts.map((part) => (
          <section key={part}>
            <h4>{part}</h4>
            <dl>
              {lines
                .filter((line) => line.part === part)
                .map((line) => (
                  <React.Fragment key={line.action}>
                    <dt>
                      {readableChords(line).map((chord) => (
                        <kbd key={chord}>{chord}</kbd>
                      ))}
                    </dt>
                    <dd>{line.does}</dd>
                  </React.Fragment>
                ))}
            </dl>
          </section>
        ))}
        <section>
          <h4>Mouse</h4>
          <dl>
            {MOUSE.map(([what, does]) => (
              <React.Fragment key={what}>
                <dt>
                  <kbd>{what}</kbd>
                </dt>
                <dd>{does}</dd>
              </React.Fragment>
            ))}
          </dl>
        </section>
      </div>
    </div>
  );
}
