// Messages between the content store and its hashing thread. "open" a file, "advance" to an offset that has been written,
// "finish" (answered) or "drop" it.

import { type Decoder, integer, literal, object, string } from "#base/decode.ts";

export interface HashRequest {
  readonly id: number;
  readonly verb: "open" | "advance" | "finish" | "drop";
  readonly path: string;
  readonly end: number;
}

export interface HashReply {
  readonly id: number;
  readonly digest?: string;
  readonly error?: string;
}

export const decodeHashRequest: Decoder<HashRequest> = object(
  { id: integer, verb: literal("open", "advance", "finish", "drop"), path: string, end: integer },
  {},
);
export const decodeHashReply: Decoder<HashReply> = object({ id: integer }, { digest: string, error: string });
