import { useClearModal } from "@fiftyone/state";
import React, { useCallback, useEffect, useRef, useState, type MouseEvent } from "react";
import { Message } from "../message";
import baseStyles from "../styles.css?inline";
import { readEditor } from "./calls";
import type { EditorJson } from "./contract";
import { EditorView } from "./editor_view";
import { ProblemView } from "./problem_view";
import { useEditorSettings, type Change, type Settings } from "./settings";
import styles from "./styles.css?inline";
import { useEditorKeys, type KeyHandler } from "./use_editor_keys";
import { useKeptFocus } from "./use_kept_focus";
import { useNewFields } from "./use_shown_labels";
import { useOpenSample, type OpenSample } from "./use_open_sample";

/** The panel. Its outermost element stays from sample to sample and holds the focus, so that the keys go on. */
export function PoseEditorPanel() {
  const sample = useOpenSample();
  const [settings, change] = useEditorSettings();
  const root = useRef<HTMLDivElement>(null);
  const keys = useRef<KeyHandler | null>(null);
  useNewFields();
  useEditorKeys(root, keys, useClearModal());
  const focus = useCallback(() => root.current?.focus({ preventScroll: true }), []);
  useKeptFocus(root, focus);
  const keepFocus = (event: MouseEvent) => {
    if (event.target instanceof Element && event.target.closest("select, input")) return;
    // Otherwise a button takes the focus, and with it the keys Space and Enter.
    event.preventDefault();
    focus();
  };
  return (
    <div
      className="fph-panel fpe-panel"
      data-cy="pose-editor"
      ref={root}
      tabIndex={-1}
      onMouseDown={keepFocus}
      aria-label="Pose editor"
    >
      <style>{baseStyles}</style>
      <style>{styles}</style>
      {sample ? (
        <SampleEditor
          key={sample.id}
          sample={sample}
          settings={settings}
          change={change}
          keys={keys}
          focus={focus}
        />
      ) : (
        <Message title="Loading" quiet />
      )}
    </div>
  );
}

interface SampleProps {
  readonly sample: OpenSample;
  readonly settings: Settings;
  readonly change: Change;
  readonly keys: React.MutableRefObject<KeyHandler | null>;
  readonly focus: () => void;
}

type Loaded = { readonly editor: EditorJson; readonly version: number } | { readonly problem: string } | null;

/** Loads the open sample's poses by ids from the dataset, whatever the App's view shows of them. */
function SampleEditor(props: SampleProps) {
  const { settings, change, focus } = props;
  const { id: sampleId, datasetId } = props.sample;
  const { [datasetId]: poseField = null, ...others } = settings.poseFields;
  const [loaded, setLoaded] = useState<Loaded>(null);
  const [version, setVersion] = useState(0);
  const reload = useCallback(() => setVersion((before) => before + 1), []);
  useEffect(() => {
    let wanted = true;
    readEditor(sampleId, poseField).then(
      (editor) => wanted && setLoaded({ editor, version }),
      (error: unknown) => wanted && setLoaded({ problem: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      wanted = false;
    };
  }, [sampleId, poseField, version]);
  if (!loaded) return <Message title="Loading" quiet />;
  if ("problem" in loaded) {
    return (
      <ProblemView
        text={loaded.problem}
        keys={props.keys}
        onRetry={reload}
        onFirstField={poseField === null ? null : () => change({ poseFields: others })}
      />
    );
  }
  return (
    <EditorView
      key={`${loaded.editor.pose_field} ${loaded.version}`}
      sampleId={sampleId}
      imageSrc={props.sample.imageSrc}
      settings={settings}
      change={change}
      keys={props.keys}
      editor={loaded.editor}
      onReload={reload}
      onField={(field) => {
        change({ poseFields: { ...settings.poseFields, [datasetId]: field } });
        focus();
      }}
    />
  );
}
