// A failure as gantry-exec reports it: u32 index, u32 errno, call.

import { getSystemErrorName } from "node:util";
import { PlanError } from "../plan/executor.ts";
import type { BodyReader } from "./wire-frames.ts";

export function readFailure(body: BodyReader, whyOf: (index: number) => string): PlanError {
  const index = body.u32();
  const errno = body.u32();
  return new PlanError({ index, why: whyOf(index), call: body.text(), code: getSystemErrorName(-errno) });
}
