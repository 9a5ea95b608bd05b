// What this project uses of FiftyOne 1.22's App. Its packages are not published: the App lends them at run time.

declare module "@fiftyone/state" {
  import type { RecoilValue } from "recoil";

  export interface ModalSample {
    sample: Record<string, unknown> & { _id: string; _dataset_id?: string; filepath?: string };
    urls: unknown;
  }
  /** The open sample as the App's view shows it; undefined while it is loaded. */
  export function useModalSample(): ModalSample | undefined;
  /** Give the modal what the grid shows, its fields among it, and the way to other samples. */
  export function useSetModalState(): (navigation?: object) => Promise<void>;
  /** Close the open sample. */
  export function useClearModal(): () => void;
  export function useSetExpandedSample(): (sample: { id: string }) => Promise<void>;
  /** The open sample's place in the view; null where none is open. */
  export const modalSelector: RecoilValue<{ id: string; hasNext?: boolean; hasPrevious?: boolean } | null>;
  interface ModalSteps {
    next(offset?: number): Promise<{ id: string }>;
    previous(offset?: number): Promise<{ id: string }>;
  }
  /** The way to the samples beside the open one. */
  export const modalNavigation: { get(): ModalSteps | undefined };
  export const State: { readonly SPACE: { readonly SAMPLE: string } };
  /** The dataset's fields by name. */
  export function fieldSchema(options: { space: string }): RecoilValue<Record<string, unknown>>;
  /** Show other labels of a sample that is open. */
  export function useRefreshSample(): (sample: ModalSample["sample"]) => void;
  export function getNormalizedUrls(urls: unknown): Record<string, string>;
  /** The address from which the server gives a file. */
  export function getSampleSrc(path: string): string;
}

declare module "@fiftyone/operators" {
  export interface OperatorAnswer {
    result?: unknown;
    error?: unknown;
    errorMessage?: string;
  }
  export interface OperatorContext<Hooks> {
    hooks: Hooks;
    params: Record<string, unknown>;
  }
  export class OperatorConfig {
    constructor(options: {
      name: string;
      label: string;
      description?: string;
      icon?: string;
      unlisted?: boolean;
    });
  }
  export abstract class Operator<Hooks> {
    constructor(plugin: string);
    abstract get config(): OperatorConfig;
    useHooks(): Hooks;
    execute(context: OperatorContext<Hooks>): Promise<void>;
  }
  export function registerOperator<Hooks>(operator: new (plugin: string) => Operator<Hooks>, plugin: string): void;
  export function executeOperator(
    uri: string,
    params: object,
    options?: { callback: (answer: OperatorAnswer) => void },
  ): void;
}

declare module "@fiftyone/plugins" {
  import type { ComponentType } from "react";

  export const PluginComponentType: { readonly Panel: 2 };
  export function registerComponent(registration: {
    name: string;
    label: string;
    component: ComponentType;
    type: 2;
    Icon?: ComponentType<{ style?: React.CSSProperties; className?: string }>;
    /** Whether the dataset has anything to show; `schema` names its fields. */
    activator?: (context: { schema?: Record<string, { embeddedDocType?: string | null }> }) => boolean;
    panelOptions?: { surfaces?: "grid" | "modal" | "grid modal"; helpMarkdown?: string; priority?: number };
  }): void;
}

declare module "recoil" {
  export interface RecoilValue<Value> {
    readonly key: string;
    readonly value?: Value;
  }
  export function useRecoilValue<Value>(from: RecoilValue<Value>): Value;
}

declare module "@fiftyone/spaces" {
  export interface SpaceNode {
    readonly type: string;
    readonly parent?: SpaceNode;
    readonly children: readonly SpaceNode[];
  }
  /** How panels are laid out. */
  export interface Spaces {
    readonly root: SpaceNode;
    setNodeActive(node: SpaceNode): void;
    /** Put one of a container's panels into a container of its own beside the others. */
    splitLayout(container: SpaceNode, layout: "horizontal" | "vertical", panel: SpaceNode): void;
  }
  export function useSpaces(id: string): { spaces: Spaces };
}
