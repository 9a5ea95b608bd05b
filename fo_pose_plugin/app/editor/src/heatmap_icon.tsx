import React, { type CSSProperties } from "react";

/** A peak with its slopes, from above. */
export function HeatmapIcon(props: { style?: CSSProperties; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="16"
      height="16"
      fill="currentColor"
      className={props.className}
      style={{ display: "inline-block", ...props.style }}
    >
      <circle cx="12" cy="12" r="3.4" />
      <circle cx="12" cy="12" r="6.6" opacity="0.45" />
      <circle cx="12" cy="12" r="10" opacity="0.22" />
    </svg>
  );
}
