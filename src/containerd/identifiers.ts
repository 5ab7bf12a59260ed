// Names that clients choose and that become parts of paths.

import { EngineError } from "#base/errors.ts";

const pattern = /^[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*$/;
const longest = 76;

/** containerd's rule for namespaces, containers and execs; nothing that passes can climb out of a directory. */
export function checkIdentifier(what: string, id: string): void {
  if (id === "") throw new EngineError("invalid", `${what} must not be empty: invalid argument`);
  if (id.length > longest)
    throw new EngineError(
      "invalid",
      `${what} "${id}" is longer than ${longest} characters: invalid argument`,
    );
  if (!pattern.test(id))
    throw new EngineError("invalid", `${what} "${id}" must match ${pattern.source}: invalid argument`);
}
