// The operator that opens a queue's first sample. FiftyOne's own `open_sample` shows the fields there were when the
// page was loaded, and has no arrows to the next sample.

import { Operator, OperatorConfig, registerOperator, type OperatorContext } from "@fiftyone/operators";
import { useSetExpandedSample, useSetModalState } from "@fiftyone/state";
import { PLUGIN } from "./operators";
import { stepsAlong } from "./queue_steps";

type Hooks = {
  setModalState: ReturnType<typeof useSetModalState>;
  setExpandedSample: ReturnType<typeof useSetExpandedSample>;
};

class OpenQueue extends Operator<Hooks> {
  get config(): OperatorConfig {
    return new OperatorConfig({ name: "open_queue", label: "Open a review queue", unlisted: true });
  }

  useHooks(): Hooks {
    return { setModalState: useSetModalState(), setExpandedSample: useSetExpandedSample() };
  }

  async execute({ hooks, params }: OperatorContext<Hooks>): Promise<void> {
    const ids = Array.isArray(params.ids) ? params.ids.filter((id) => typeof id === "string") : [];
    const { first, ...steps } = stepsAlong(ids);
    if (first === null) return;
    await hooks.setModalState(steps);
    await hooks.setExpandedSample(first);
  }
}

export function registerOpenQueue(): void {
  registerOperator(OpenQueue, PLUGIN);
}
