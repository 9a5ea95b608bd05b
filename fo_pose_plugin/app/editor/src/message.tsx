import React from "react";

/** What there is to say where nothing can be shown. */
export function Message(props: { title: string; text?: string | undefined; quiet?: boolean }) {
  return (
    <div className={`fph-message${props.quiet ? " fph-quiet" : ""}`} role="status">
      <div className="fph-message-title">{props.title}</div>
      {props.text ? <div>{props.text}</div> : null}
    </div>
  );
}
