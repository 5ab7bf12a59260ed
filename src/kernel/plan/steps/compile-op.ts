// Operations -> what native/ runs: an operation is a short program, whose steps are nearly all system calls. All is decided here.

import { claimed } from "#base/decode.ts";
import type { Op } from "../ops.ts";
import type { Assembler } from "./assembler.ts";
import type { Compilers } from "./compilers.ts";
import { credentials } from "./credentials.ts";
import { descriptors } from "./descriptors.ts";
import { files } from "./file-operations.ts";
import { mounts } from "./mounts.ts";
import { network } from "./network.ts";
import { notices } from "./notices.ts";
import { processes } from "./processes.ts";
import { readiness } from "./readiness.ts";
import { removal } from "./remove-link.ts";
import { sockets } from "./sockets.ts";

const compilers: Compilers = {
  ...processes,
  ...descriptors,
  ...readiness,
  ...mounts,
  ...files,
  ...credentials,
  ...network,
  ...removal,
  ...sockets,
  ...notices,
};

/** The steps of the operation that the assembler has begun. */
export function compileOp(code: Assembler, op: Op): void {
  claimed<(assembler: Assembler, op: Op) => void>(compilers[op.op])(code, op);
}
