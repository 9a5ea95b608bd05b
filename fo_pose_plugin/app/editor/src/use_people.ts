// Load the open sample's people and one of them; an answer that comes late is dropped.

import { useEffect, useRef, useState } from "react";
import { listPeople, readPerson, type Person, type SamplePeople } from "./read_heatmaps";

export interface Loaded<Value> {
  /** The latest value; while the next one is loaded it is the one before. */
  readonly value: Value | null;
  readonly loading: boolean;
  readonly problem: string | null;
}

const NOTHING: Loaded<never> = { value: null, loading: true, problem: null };

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param revision Whatever changes when the sample's poses were replaced.
 */
export function usePeople(sampleId: string, poseField: string | null, revision: string): Loaded<SamplePeople> {
  const [loaded, setLoaded] = useState<Loaded<SamplePeople>>(NOTHING);
  useEffect(() => {
    let wanted = true;
    setLoaded(NOTHING);
    listPeople(sampleId, poseField).then(
      (value) => wanted && setLoaded({ value, loading: false, problem: null }),
      (error: unknown) => wanted && setLoaded({ value: null, loading: false, problem: messageOf(error) }),
    );
    return () => {
      wanted = false;
    };
  }, [sampleId, poseField, revision]);
  return loaded;
}

/**
 * @param labelId The person; null for nobody.
 * @param people What it belongs to: with another list, everyone is read anew.
 */
export function usePerson(sampleId: string, people: SamplePeople, labelId: string | null): Loaded<Person> {
  const [loaded, setLoaded] = useState<Loaded<Person>>(NOTHING);
  const known = useRef({ people, persons: new Map<string, Promise<Person>>() });
  useEffect(() => {
    if (labelId === null) return undefined;
    if (known.current.people !== people) known.current = { people, persons: new Map() };
    const { persons } = known.current;
    let wanted = true;
    const reading = persons.get(labelId) ?? readPerson(sampleId, people.poseField, labelId);
    persons.set(labelId, reading);
    setLoaded((before) => ({ ...before, loading: true }));
    reading.then(
      (value) => wanted && setLoaded({ value, loading: false, problem: null }),
      (error: unknown) => {
        persons.delete(labelId);
        if (wanted) setLoaded({ value: null, loading: false, problem: messageOf(error) });
      },
    );
    return () => {
      wanted = false;
    };
  }, [sampleId, people, labelId]);
  return loaded;
}
