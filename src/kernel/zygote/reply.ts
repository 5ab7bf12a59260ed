// The reply to a plan or to a whole stream: its results, or what failed.

import type { PlanResult } from "../plan/executor.ts";
import { readFailure } from "./failure.ts";
import { BodyReader, type Frame, frameTypes } from "./wire-frames.ts";

export function readResult(body: BodyReader): PlanResult {
  const result = new Map<number, Uint8Array[]>();
  const count = body.u32();
  for (let i = 0; i < count; i++) {
    const index = body.u32();
    const values = result.get(index) ?? [];
    values.push(body.bytes());
    result.set(index, values);
  }
  return result;
}

export function takeReply({ type, body }: Frame, whyOf: (index: number) => string): PlanResult {
  const reader = new BodyReader(body);
  reader.u32(); // one request at a time
  if (type === frameTypes.done) return readResult(reader);
  throw readFailure(reader, whyOf);
}
