// A failed plan operation keeps its parts across gRPC, so that the engine can tell "not found" from "not executable".

import { integer, object, string } from "#base/decode.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { ErrorCodec } from "#transport/grpc/status.ts";

const trailerName = "gantry-plan-error";
const unknownCode = 2;
const decodeFailure = object({ index: integer, why: string, call: string, code: string }, {});

/** Carries the failure in the words that it is told by. */
export class ToldPlanError extends Error {
  readonly plan: PlanError;

  constructor(message: string, { cause }: { readonly cause: PlanError }) {
    super(message, { cause });
    this.plan = cause;
  }
}

export const planErrorCodec: ErrorCodec = {
  encode: (error) => {
    const failure = error instanceof ToldPlanError ? error.plan : error;
    if (!(error instanceof Error) || !(failure instanceof PlanError)) return undefined;
    const { index, why, call, code } = failure;
    const trailer = { [trailerName]: encodeURIComponent(JSON.stringify({ index, why, call, code })) };
    return { code: unknownCode, message: error.message, trailer };
  },
  decode: ({ trailer }) => {
    const text = trailer[trailerName];
    return text === undefined
      ? undefined
      : new PlanError(decodeFailure(JSON.parse(decodeURIComponent(text)), trailerName));
  },
};
