// What is to become of a packet, in a rule or as a value of a map (linux/netfilter/nf_tables.h).

import { be32, nested, text } from "../netlink/attributes.ts";

export const DATA_VALUE = 1;
const DATA_VERDICT = 2;
const VERDICT_CODE = 1;
const VERDICT_CHAIN = 2;

/** "return" goes on behind the rule that jumped here. */
export type Verdict = "drop" | "accept" | "return" | { readonly jump: string } | { readonly goTo: string };

const codes = { drop: 0, accept: 1, jump: 0xfffffffd, goTo: 0xfffffffc, return: 0xfffffffb } as const;

/** Within the attribute that holds data. */
export function encodeVerdict(verdict: Verdict): Uint8Array {
  const encode = (code: number, ...chain: readonly Uint8Array[]): Uint8Array =>
    nested(DATA_VERDICT, be32(VERDICT_CODE, code), ...chain);
  if (typeof verdict === "string") return encode(codes[verdict]);
  return "jump" in verdict
    ? encode(codes.jump, text(VERDICT_CHAIN, verdict.jump))
    : encode(codes.goTo, text(VERDICT_CHAIN, verdict.goTo));
}
