// Names that clients choose and that become parts of paths.

import { invalidArgument } from "./failures.ts";

const pattern = /^[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*$/;
const longest = 76;

/** containerd's rule for namespaces, containers and execs; nothing that passes can climb out of a directory. `where` begins the refusal. */
export function checkIdentifier(where: string, id: string): void {
  const name = JSON.stringify(id);
  if (id === "") throw invalidArgument(`${where}identifier must not be empty`);
  if (id.length > longest)
    throw invalidArgument(`${where}identifier ${name} greater than maximum length (${longest} characters)`);
  if (!pattern.test(id)) throw invalidArgument(`${where}identifier ${name} must match ${pattern.source}`);
}
