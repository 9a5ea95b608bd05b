// What the actions need to know of the editor, as it is now.

import type { Dispatch, RefObject } from "react";
import type { Size } from "../geometry";
import type { Body } from "./body";
import type { Evidence } from "./calls";
import type { CanvasControl } from "./canvas";
import type { Candidate, EditorJson, PersonJson } from "./contract";
import type { Estimated, PersonDoc } from "./document";
import type { Event, Model } from "./model";
import type { Change, Settings } from "./settings";

export interface Said {
  readonly kind: "hint" | "done" | "wrong";
  readonly text: string;
}

export interface Situation {
  readonly sampleId: string;
  readonly editor: EditorJson;
  readonly settings: Settings;
  readonly change: Change;
  readonly body: Body;
  readonly model: Model;
  readonly tell: Dispatch<Event>;
  readonly canvas: RefObject<CanvasControl>;
  readonly imageSize: Size;
  readonly doc: PersonDoc | null;
  readonly source: PersonDoc | null;
  readonly person: PersonJson | null;
  /** The way through the keypoints. */
  readonly order: readonly number[];
  readonly shown: readonly number[];
  readonly candidates: readonly Candidate[];
  /** How near to a peak a keypoint stands on it, in image pixels. */
  readonly reach: number;
  readonly hidden: ReadonlySet<string>;
  /** What the model said of a person, with its heatmaps where it has some. */
  readonly onEstimated: (key: string, estimated: Estimated, evidence: Evidence | null) => void;
}
