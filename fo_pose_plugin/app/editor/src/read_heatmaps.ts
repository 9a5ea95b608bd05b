// What the Python operator `read_heatmaps` gives, checked no further: it is this plugin's own.

import type { Point, Size } from "./geometry";
import { decodeHeatmaps, decodeImage, type Heatmaps, type HeatmapsJson } from "./heatmaps";
import type { Skeleton } from "./keypoints";
import { callOperator } from "./operators";

export interface PersonOutline {
  readonly label_id: string;
  readonly score: number | null;
  readonly thumbnail: string | null;
}

export interface SamplePeople {
  readonly poseFields: readonly string[];
  readonly poseField: string;
  readonly skeleton: Skeleton;
  readonly people: readonly PersonOutline[];
}

export interface Person {
  readonly labelId: string;
  readonly picture: HTMLImageElement;
  readonly pictureSize: Size;
  readonly points: readonly (Point | null)[];
  readonly confidence: readonly (number | null)[];
  readonly heatmaps: Heatmaps | null;
  /** Why there are no heatmaps. */
  readonly problem: string | null;
}

interface PeopleJson {
  people: {
    pose_fields: string[];
    pose_field: string;
    keypoint_names: string[];
    groups: Record<string, number[]>;
    people: PersonOutline[];
  };
}

interface PersonJson {
  person: {
    picture: { src: string; size_wh: [number, number] };
    points: (Point | null)[];
    confidence: (number | null)[];
    heatmaps: HeatmapsJson | null;
    problem: string | null;
  };
}

export async function listPeople(sampleId: string, poseField: string | null): Promise<SamplePeople> {
  const { people } = await callOperator<PeopleJson>("read_heatmaps", { sample_id: sampleId, pose_field: poseField });
  return {
    poseFields: people.pose_fields,
    poseField: people.pose_field,
    skeleton: { names: people.keypoint_names, groups: new Map(Object.entries(people.groups)) },
    people: people.people,
  };
}

export async function readPerson(sampleId: string, poseField: string, labelId: string): Promise<Person> {
  const params = { sample_id: sampleId, pose_field: poseField, label_id: labelId };
  const { person } = await callOperator<PersonJson>("read_heatmaps", params);
  const [picture, heatmaps] = await Promise.all([
    decodeImage(person.picture.src),
    person.heatmaps && decodeHeatmaps(person.heatmaps),
  ]);
  return {
    labelId,
    picture,
    pictureSize: person.picture.size_wh,
    points: person.points,
    confidence: person.confidence,
    heatmaps,
    problem: person.problem,
  };
}
