// The open sample, without the gap while the App takes in new labels of it.

import { getNormalizedUrls, getSampleSrc, modalSelector, useModalSample, type ModalSample } from "@fiftyone/state";
import { useMemo, useRef } from "react";
import { useRecoilValue } from "recoil";

export interface OpenSample {
  readonly id: string;
  readonly datasetId: string;
  /** The image's address; empty where the App names none. */
  readonly imageSrc: string;
}

/** @returns Null while another sample is loaded. */
export function useOpenSample(): OpenSample | null {
  const loaded = useModalSample();
  const open = useRecoilValue(modalSelector);
  const last = useRef<ModalSample | null>(null);
  if (loaded) last.current = loaded;
  else if (last.current?.sample._id !== open?.id) last.current = null;
  const modal = last.current;
  const path = modal && (getNormalizedUrls(modal.urls).filepath ?? modal.sample.filepath);
  const id = modal?.sample._id;
  const datasetId = modal?.sample._dataset_id ?? "";
  return useMemo(
    () => (id === undefined ? null : { id, datasetId, imageSrc: path ? getSampleSrc(path) : "" }),
    [id, datasetId, path],
  );
}
