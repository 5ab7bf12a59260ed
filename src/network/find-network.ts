// Finds a network by name, id or unambiguous beginning of an id, with Docker's errors.

import { EngineError, invalid } from "#base/errors.ts";

export const networkMissing = (name: string): EngineError =>
  new EngineError("notFound", `network ${name} not found`);

export function getNetwork<T extends { readonly id: string; readonly name: string }>(
  networks: readonly T[],
  nameOrId: string,
): T {
  const exact = networks.find(({ id }) => id === nameOrId) ?? networks.find(({ name }) => name === nameOrId);
  if (exact !== undefined) return exact;
  const [first, ...more] = nameOrId === "" ? [] : networks.filter(({ id }) => id.startsWith(nameOrId));
  if (first === undefined) throw networkMissing(nameOrId);
  if (more.length > 0)
    throw invalid(`network ${nameOrId} is ambiguous (${more.length + 1} matches found based on ID prefix)`);
  return first;
}
