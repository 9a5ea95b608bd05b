// The picture of the sample, and the size that its labels are relative to.

import { useState } from "react";
import type { Size } from "../geometry";
import type { EditorJson } from "./contract";

export interface ImageState {
  /** Null where the image cannot be read: nothing can be placed on it then. */
  readonly size: Size | null;
  readonly problem: string | null;
  readonly onLoad: () => void;
  readonly onError: () => void;
}

export function useImage(editor: EditorJson): ImageState {
  const [failed, setFailed] = useState(false);
  return {
    size: editor.image_size_wh,
    // The server may read what the browser cannot show.
    problem: editor.image_problem ?? (failed ? "The image cannot be shown: only the points are." : null),
    onLoad: () => setFailed(false),
    onError: () => setFailed(true),
  };
}
