// The type of what turns operations into steps.

import type { OpBody } from "../ops.ts";
import type { Assembler } from "./assembler.ts";

export type OpName = OpBody["op"];
export type BodyOf<K extends OpName> = Extract<OpBody, { readonly op: K }>;
export type Compilers<K extends OpName = OpName> = {
  readonly [N in K]: (code: Assembler, op: BodyOf<N>) => void;
};
