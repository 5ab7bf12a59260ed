// A failed plan operation keeps its parts across gRPC, so that the engine can tell "not found" from "not executable".

import { integer, object, string } from "#base/decode.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { ErrorCodec } from "#transport/grpc/status.ts";

const trailerName = "gantry-plan-error";
const unknownCode = 2;
const decodeFailure = object({ index: integer, why: string, call: string, code: string }, {});

export const planErrorCodec: ErrorCodec = {
  encode: (error) => {
    if (!(error instanceof PlanError)) return undefined;
    const { index, why, call, code } = error;
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
