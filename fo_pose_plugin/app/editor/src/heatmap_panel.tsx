import { useModalSample } from "@fiftyone/state";
import React, { useCallback, useMemo, useRef, useState } from "react";
import { CropView } from "./crop_view";
import { highestPeak } from "./heatmaps";
import {
  ALL,
  choicesOf,
  fitting,
  indicesOf,
  initiallyFolded,
  readable,
  shortNumber,
  step,
  type Choice,
  type Skeleton,
} from "./keypoints";
import { Legend } from "./legend";
import { MapGrid } from "./map_grid";
import { Message } from "./message";
import { PeopleStrip } from "./people_strip";
import { openPoseEditor } from "./pose_editor/open_pose_editor";
import type { Person, SamplePeople } from "./read_heatmaps";
import type { Change, Settings } from "./settings";
import styles from "./styles.css?inline";
import { useKeys } from "./use_keys";
import { usePeople, usePerson } from "./use_people";
import { useSettings } from "./use_settings";

/** The panel: the open sample's people one by one, each with all heatmaps. */
export function HeatmapPanel() {
  const modal = useModalSample();
  const [settings, change] = useSettings();
  return (
    <div className="fph-panel" data-cy="pose-heatmaps">
      <style>{styles}</style>
      {modal ? (
        <SampleView
          key={modal.sample._id}
          sampleId={modal.sample._id}
          datasetId={modal.sample._dataset_id ?? ""}
          revision={revisionOf(modal.sample)}
          settings={settings}
          change={change}
        />
      ) : (
        <Message title="Loading" quiet />
      )}
    </div>
  );
}

/** The runs that filled the sample's pose fields: another run means other heatmaps. */
function revisionOf(sample: Record<string, unknown>): string {
  const runs = Object.values(sample).map((value) => (value as { run_id?: unknown } | null)?.run_id);
  return runs.filter((run) => typeof run === "string").join();
}

interface SampleProps {
  readonly sampleId: string;
  readonly datasetId: string;
  readonly settings: Settings;
  readonly change: Change;
}

function SampleView(props: SampleProps & { revision: string }) {
  const { sampleId, datasetId, revision, settings, change } = props;
  const { [datasetId]: poseField = null, ...others } = settings.poseFields;
  const found = usePeople(sampleId, poseField, revision);
  if (found.problem !== null) {
    return (
      <>
        {poseField === null ? null : (
          <button type="button" className="fph-back" onClick={() => change({ poseFields: others })}>
            Show another field
          </button>
        )}
        <Message title="There are no heatmaps to show" text={found.problem} />
      </>
    );
  }
  if (!found.value) return <Message title="Loading" quiet />;
  return <PeopleView people={found.value} {...props} />;
}

function PeopleView(props: SampleProps & { people: SamplePeople }) {
  const { people, sampleId, datasetId, settings, change } = props;
  const { skeleton } = people;
  const root = useRef<HTMLDivElement>(null);
  const [position, setPosition] = useState(0);
  const folded = useMemo(() => new Set(settings.folded ?? initiallyFolded(skeleton)), [settings.folded, skeleton]);
  const choice = fitting(skeleton, settings.choice);
  const choose = useCallback((chosen: Choice) => change({ choice: chosen }), [change]);
  const fold = (group: string) => {
    const next = new Set(folded);
    if (!next.delete(group)) next.add(group);
    change({ folded: [...next] });
  };
  const turn = (by: number) =>
    setPosition((before) => Math.min(Math.max(before + by, 0), people.people.length - 1));
  const go = (by: number) => choose(step(choicesOf(skeleton, folded), choice, by));
  useKeys(root, {
    ArrowLeft: () => go(-1),
    ArrowRight: () => go(1),
    ArrowUp: () => turn(-1),
    ArrowDown: () => turn(1),
    Home: () => choose(ALL),
  });
  const person = usePerson(sampleId, people, people.people[position]?.label_id ?? null);
  return (
    <div className="fph-sample" ref={root} tabIndex={-1}>
      <header>
        {people.poseFields.length > 1 ? (
          <select
            aria-label="Field with poses"
            value={people.poseField}
            onChange={(event) => change({ poseFields: { ...settings.poseFields, [datasetId]: event.target.value } })}
          >
            {people.poseFields.map((field) => (
              <option key={field}>{field}</option>
            ))}
          </select>
        ) : null}
        {people.people.length ? (
          <PeopleStrip people={people.people} chosen={position} onChoose={setPosition} />
        ) : null}
        <button type="button" className="fph-edit" title="Open the pose editor" onClick={openPoseEditor}>
          Edit
        </button>
      </header>
      {people.people.length === 0 ? (
        <Message title="Nobody is in this image" text={`The field ${people.poseField} holds no poses here.`} />
      ) : null}
      {person.problem === null ? null : <Message title="This person cannot be shown" text={person.problem} />}
      {person.value ? (
        <PersonView
          person={person.value}
          stale={person.loading}
          skeleton={skeleton}
          choice={choice}
          folded={folded}
          settings={settings}
          change={change}
          onChoose={choose}
          onFold={fold}
        />
      ) : null}
    </div>
  );
}

function PersonView(props: {
  person: Person;
  /** Whether the next person is on the way. */
  stale: boolean;
  skeleton: Skeleton;
  choice: Choice;
  folded: ReadonlySet<string>;
  settings: Settings;
  change: Change;
  onChoose: (choice: Choice) => void;
  onFold: (group: string) => void;
}) {
  const { person, skeleton, choice, settings, change } = props;
  const { heatmaps } = person;
  const indices = useMemo(() => indicesOf(skeleton, choice), [skeleton, choice]);
  const top = heatmaps ? (settings.ownScale ? highestPeak(heatmaps, indices) : heatmaps.scaleMax) : 1;
  return (
    <main className={props.stale ? "fph-stale" : ""}>
      <div className="fph-large">
        <Caption person={person} skeleton={skeleton} choice={choice} indices={indices} />
        <CropView
          person={person}
          skeleton={skeleton}
          choice={choice}
          indices={indices}
          top={top}
          shown={settings.shown}
          onChoose={props.onChoose}
        />
        <Legend
          top={heatmaps && top}
          ownScale={settings.ownScale}
          shown={settings.shown}
          onOwnScale={(ownScale) => change({ ownScale })}
          onShown={(shown) => change({ shown })}
        />
        <p className="fph-hint">{heatmaps?.note ?? "Arrow keys: ← → keypoints, ↑ ↓ people, Home all keypoints"}</p>
      </div>
      {heatmaps ? (
        <MapGrid
          person={person}
          heatmaps={heatmaps}
          skeleton={skeleton}
          choice={choice}
          folded={props.folded}
          ownScale={settings.ownScale}
          onChoose={props.onChoose}
          onFold={props.onFold}
        />
      ) : (
        <Message title="The heatmaps cannot be shown" text={person.problem ?? undefined} />
      )}
    </main>
  );
}

function Caption(props: { person: Person; skeleton: Skeleton; choice: Choice; indices: readonly number[] }) {
  const { person, skeleton, choice, indices } = props;
  const index = indices[0] ?? 0;
  const single = choice.kind === "keypoint";
  const name = single ? readable(choice.name) : choice.kind === "group" ? `All of ${choice.group}` : "All keypoints";
  const detail = single
    ? `score ${shortNumber(person.confidence[index] ?? null)}, keypoint ${index + 1} of ${skeleton.names.length}`
    : person.heatmaps
      ? `the strongest of ${indices.length} maps`
      : `${indices.length} keypoints`;
  return (
    <div className="fph-caption" data-cy="pose-heatmaps-caption">
      <b>{name}</b>
      <span>{single && !person.points[index] ? "no peak: no keypoint" : detail}</span>
    </div>
  );
}
