import React, { type CSSProperties } from "react";

/** A person with a pencil's tip. */
export function PoseEditorIcon(props: { style?: CSSProperties; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={props.className}
      style={{ display: "inline-block", ...props.style }}
    >
      <circle cx="9" cy="4.5" r="2.5" />
      <path d="M9 8v6M9 10L4 12M9 10l4 1M9 14l-3 7M9 14l2.5 3.5" />
      <path d="M14 21l.6-2.8L20 12.5l2.2 2.2-5.4 5.7z" />
    </svg>
  );
}
