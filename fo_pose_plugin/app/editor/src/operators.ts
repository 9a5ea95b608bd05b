// Call the plugin's Python operators.

import { executeOperator, type OperatorAnswer } from "@fiftyone/operators";

export const PLUGIN = "@fo-pose/fo_pose_plugin";

/** What went wrong, in a sentence that a person reads. */
export class Problem extends Error {}

/**
 * Run an operator and give its result.
 *
 * Operators of this plugin say what is wrong in `problem`; both that and FiftyOne's own errors become a Problem.
 */
export function callOperator<Result>(name: string, params: object): Promise<Result> {
  return new Promise((resolve, reject) => {
    executeOperator(`${PLUGIN}/${name}`, params, {
      callback: (answer) => {
        const problem = problemOf(answer);
        if (problem === null) resolve(answer.result as Result);
        else reject(new Problem(problem));
      },
    });
  });
}

/** Say what is wrong with an operator's answer; null where nothing is. */
export function problemOf(answer: OperatorAnswer): string | null {
  if (answer.error) return answer.errorMessage || lastLine(String(answer.error));
  if (typeof answer.result !== "object" || answer.result === null) return "FiftyOne's server gave no answer.";
  const problem = (answer.result as { problem?: unknown }).problem;
  return typeof problem === "string" ? problem : null;
}

/** Python's tracebacks end with the error itself. */
function lastLine(text: string): string {
  return text.trim().split("\n").pop() || "FiftyOne's server could not carry this out.";
}
