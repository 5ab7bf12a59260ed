// Answers from the names of a sandbox's own networks. Pure.

import { type AnswerRecord, encodeName, type Query, recordTypes } from "#formats/dns/message.ts";
import { addressOfReverseName } from "#formats/dns/reverse-name.ts";
import { addressBytes, parseAddress } from "#formats/ip-prefix.ts";
import type { NameDirectory } from "./names.ts";

/**
 * undefined: the question is not about a name of ours. A name that is ours has nothing but addresses: asked for anything else, or for a family
 * that it has no address of, the answer is that there are no records, and nobody outside is asked. `turn` counts, for whom the first of several
 * addresses is.
 */
export function answerLocally(
  directory: NameDirectory,
  sandboxId: string,
  { name, type, isInternet }: Query,
  turn: number,
): readonly AnswerRecord[] | undefined {
  if (!isInternet) return undefined;
  if (type === recordTypes.PTR) return answerReverse(directory, sandboxId, name);
  const found = directory.forward(sandboxId, name);
  if (found === undefined) return undefined;
  const all = type === recordTypes.ANY;
  const ipv4 = all || type === recordTypes.A ? found.ipv4 : [];
  const ipv6 = all || type === recordTypes.AAAA ? found.ipv6 : [];
  return [...addressRecords(recordTypes.A, ipv4, turn), ...addressRecords(recordTypes.AAAA, ipv6, turn)];
}

function addressRecords(type: number, addresses: readonly string[], turn: number): readonly AnswerRecord[] {
  const first = addresses.length < 2 ? 0 : turn % addresses.length;
  return [...addresses.slice(first), ...addresses.slice(0, first)].map((address) => ({
    type,
    data: addressBytes(parseAddress(address)),
  }));
}

function answerReverse(
  directory: NameDirectory,
  sandboxId: string,
  name: string,
): readonly AnswerRecord[] | undefined {
  const address = addressOfReverseName(name);
  const found = address === undefined ? undefined : directory.reverse(sandboxId, address);
  return found === undefined ? undefined : [{ type: recordTypes.PTR, data: encodeName(found) }];
}
