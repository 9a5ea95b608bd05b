import React, { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { initiallyFolded } from "../keypoints";
import { Message } from "../message";
import { bodyOf, byDoubt, doubtsOf, hiddenOf, shownIndices, stepIn } from "./body";
import type { Evidence } from "./calls";
import { Canvas, type CanvasControl } from "./canvas";
import { nearest, reachOf } from "./candidates";
import { ConflictView } from "./conflict_view";
import type { EditorJson } from "./contract";
import { confidenceOf, sourceDoc, type Estimated, type PersonDoc } from "./document";
import { readDrafts, type DraftPlace } from "./drafts";
import { Help } from "./help";
import { KeypointList } from "./keypoint_list";
import { fits, openModel, step } from "./model";
import { PeopleChips } from "./people_chips";
import { ReviewBar } from "./review_bar";
import { statusOf } from "./saving";
import type { Change, Settings } from "./settings";
import { EditorLegend, KeypointBar } from "./status_bar";
import { Toolbar } from "./toolbar";
import { useActions } from "./use_actions";
import { useDrafts } from "./use_drafts";
import type { KeyHandler } from "./use_editor_keys";
import { useEvidence } from "./use_evidence";
import { useImage } from "./use_image";

export interface EditorViewProps {
  readonly sampleId: string;
  readonly imageSrc: string;
  readonly editor: EditorJson;
  readonly settings: Settings;
  readonly change: Change;
  readonly keys: React.MutableRefObject<KeyHandler | null>;
  readonly onReload: () => void;
  readonly onField: (field: string) => void;
}

interface Anew extends Estimated {
  readonly evidence: Evidence | null;
}

/** The editor of one sample's people. */
export function EditorView(props: EditorViewProps) {
  const { sampleId, editor, settings, change, keys } = props;
  const body = useMemo(() => bodyOf(editor), [editor]);
  const place = useMemo<DraftPlace>(
    () => ({ datasetId: editor.dataset_id, sampleId, poseField: editor.pose_field }),
    [editor, sampleId],
  );
  const [model, tell] = useReducer(step, null, () =>
    openModel(editor, readDrafts(localStorage, place, editor.keypoint_names.length)),
  );
  const refused = useDrafts(place, model);
  const canvas = useRef<CanvasControl>(null);
  const image = useImage(editor);
  const hidden = useMemo(() => hiddenOf(body, settings.hidden), [body, settings.hidden]);
  const folded = useMemo(
    () => new Set(settings.folded ?? initiallyFolded({ names: body.names, groups: body.groups })),
    [settings.folded, body],
  );
  const people = model.history.present;
  const person = (model.person !== null && model.bases.get(model.person)) || null;
  const doc = person ? (people.get(person.key) ?? null) : null;
  const source = useMemo(() => person && sourceDoc(person), [person]);
  const shown = useMemo(() => shownIndices(body, hidden), [body, hidden]);
  const order = useMemo(
    () => (settings.doubtFirst && model.mode.kind !== "add" ? byDoubt(shown, doubtsOf(person?.source ?? null)) : shown),
    [shown, settings.doubtFirst, person, model.mode.kind],
  );
  const [estimated, setEstimated] = useState<ReadonlyMap<string, Anew>>(new Map());
  const anew = (person && estimated.get(person.key)) ?? null;
  const confidence = useMemo(
    () => (doc && person ? confidenceOf(doc, person, anew) : NO_CONFIDENCE),
    [doc, person, anew],
  );
  const next = person && stepIn([...people.keys()], person.key, 1);
  const following = (next && model.bases.get(next)?.source?.label_id) ?? null;
  const found = useEvidence(sampleId, editor, person?.source?.label_id ?? null, following, anew?.evidence ?? null);
  const keypoint = model.keypoint;
  const candidates = (keypoint !== null && found.evidence?.candidates[keypoint]) || NO_CANDIDATES;
  const reach = found.evidence ? reachOf(found.evidence.maps.toPicture) : 0;
  const point = keypoint === null ? null : (doc?.points[keypoint] ?? null);
  const actions = useActions({
    ...props,
    body,
    model,
    tell,
    canvas,
    imageSize: image.size ?? [1, 1],
    doc,
    source,
    person,
    order,
    shown,
    candidates,
    reach,
    hidden,
    onEstimated: (key, one, evidence) => setEstimated((before) => new Map(before).set(key, { ...one, evidence })),
  });
  keys.current = actions;
  useEffect(() => () => void (keys.current = null), [keys]);
  // A sample opens with its first (or most doubtful) keypoint chosen: the arrow keys have something to move.
  useEffect(() => {
    if (model.keypoint === null && order.length) tell({ type: "choose", keypoint: order[0]! });
  }, [model.person]);

  const chips = [...people.keys()].flatMap((key) => {
    const base = model.bases.get(key);
    return base ? [{ key, person: base, status: statusOf(base, people.get(key)!, model.conflicts.has(key)) }] : [];
  });
  const conflict = person ? model.conflicts.get(person.key) : undefined;
  const odd = editor.people.filter((one) => !fits(one, body.names.length)).length;
  const others = useOthers(people, model.person);
  const notices = [
    ...editor.notes,
    editor.read_only,
    editor.can_save || editor.read_only ? null : "Corrections cannot be saved here.",
    image.problem,
    odd ? `${odd} of the poses here have another number of points than the skeleton: they cannot be edited.` : null,
    refused ? "This browser keeps no drafts: save before you go on." : null,
  ].filter((text): text is string => text !== null);

  return (
    <div className="fpe-editor">
      <header>
        {editor.pose_fields.length > 1 ? (
          <select
            aria-label="Field with poses"
            value={editor.pose_field}
            onChange={(event) => props.onField(event.target.value)}
          >
            {editor.pose_fields.map((field) => (
              <option key={field}>{field}</option>
            ))}
          </select>
        ) : null}
        <PeopleChips
          chips={chips}
          chosen={model.person}
          onChoose={(key) => tell({ type: "choose", person: key })}
        />
        <ReviewBar actions={actions} chips={chips} editor={editor} pace={settings.pace} />
      </header>
      <Toolbar whyNot={actions.whyNot} isOn={actions.isOn} onAct={actions.act} />
      {notices.map((text) => (
        <div key={text} className="fpe-notice" role="status">
          {text}
        </div>
      ))}
      <main>
        <div className="fpe-large">
          {image.size ? (
            <Canvas
              ref={canvas}
              imageSize={image.size}
              imageSrc={props.imageSrc}
              doc={doc}
              others={others}
              body={body}
              shown={shown}
              source={source}
              confidence={confidence}
              keypoint={keypoint}
              candidates={settings.heatmap || model.offer !== null ? candidates : NO_CANDIDATES}
              evidence={found.evidence}
              heatmap={settings.heatmap}
              mirror={settings.mirror}
              names={settings.names}
              offer={model.offer}
              mode={model.mode.kind}
              canEdit={actions.canEdit}
              onChoose={actions.chooseKeypoint}
              onChoosePerson={(key, index) =>
                tell({ type: "choose", person: key, ...(index === null ? {} : { keypoint: index }) })
              }
              onMove={actions.move}
              onPlace={actions.placeAt}
              onSnap={actions.snapTo}
              onBox={actions.setBox}
              onImageLoad={image.onLoad}
              onImageError={image.onError}
            />
          ) : (
            <Message title="The image cannot be shown" text={image.problem ?? undefined} />
          )}
          {actions.message ? (
            <div className={`fpe-said fpe-${actions.message.kind}`} data-cy="pose-editor-message" role="status">
              {actions.message.text}
            </div>
          ) : null}
          {doc === null ? (
            <div className="fpe-nobody">
              <Message title="Nobody is in this image" text="Press N to add a person, Space to go on." />
            </div>
          ) : null}
          {conflict && doc && person && image.size ? (
            <ConflictView
              conflict={conflict}
              mine={doc}
              body={body}
              imageSrc={props.imageSrc}
              imageSize={image.size}
              onMine={() => tell({ type: "keep-mine", key: person.key })}
              onTheirs={() => tell({ type: "keep-theirs", key: person.key })}
            />
          ) : null}
          {actions.help ? <Help onClose={() => actions.act("help")} /> : null}
        </div>
        {doc && person ? (
          <aside>
            <KeypointList
              body={body}
              doc={doc}
              person={person}
              confidence={confidence}
              keypoint={keypoint}
              folded={folded}
              hidden={hidden}
              onChoose={actions.chooseKeypoint}
              onFold={(group) => change({ folded: toggled(folded, group) })}
              onHide={(group) => change({ hidden: toggled(hidden, group) })}
            />
          </aside>
        ) : null}
      </main>
      <footer>
        {doc && person ? (
          <KeypointBar
            name={keypoint === null ? null : (body.names[keypoint] ?? null)}
            index={keypoint}
            doc={doc}
            person={person}
            confidence={keypoint === null ? null : (confidence[keypoint] ?? null)}
            candidates={candidates}
            current={point ? nearest(candidates, point, reach) : null}
            offer={model.offer}
            evidenceText={found.problem ?? (found.loading ? null : (found.evidence?.note ?? null))}
            canEdit={actions.canEdit}
            onAct={actions.act}
            onSnap={actions.snapTo}
          />
        ) : null}
        <EditorLegend />
      </footer>
    </div>
  );
}

const NO_CANDIDATES: never[] = [];
const NO_CONFIDENCE: never[] = [];

function toggled(set: ReadonlySet<string>, value: string): string[] {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return [...next];
}

function useOthers(people: ReadonlyMap<string, PersonDoc>, chosen: string | null) {
  return useMemo(() => [...people].filter(([key]) => key !== chosen), [people, chosen]);
}
