// A failure as gantry-exec reports it: u32 index, u32 errno, call.

import { constants } from "node:os";
import { PlanError } from "../plan/executor.ts";
import type { BodyReader } from "./wire-frames.ts";

/** What Node does not name, or not as the kernel does (asm-generic/errno.h). */
const others: readonly (readonly [number, string])[] = [
  [11, "EAGAIN"],
  [35, "EDEADLK"],
  [95, "EOPNOTSUPP"],
  [117, "EUCLEAN"],
  [121, "EREMOTEIO"],
  [122, "EDQUOT"],
  [123, "ENOMEDIUM"],
  [126, "ENOKEY"],
  [127, "EKEYEXPIRED"],
  [128, "EKEYREVOKED"],
];

const names = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, number]): [number, string] => [number, name]),
  ...others,
]);

const errnoName = (errno: number): string => names.get(errno) ?? `errno ${errno}`;

export function readFailure(body: BodyReader, whyOf: (index: number) => string): PlanError {
  const index = body.u32();
  const errno = body.u32();
  return new PlanError({ index, why: whyOf(index), call: body.text(), code: errnoName(errno) });
}
