// A link as it is asked for.

import { invalid } from "#base/errors.ts";

/** "name", "name:alias", or "/name:/parent/alias" as inspect shows it. */
export function parseLink(text: string): { readonly name: string; readonly alias: string } {
  const [name = "", alias = name, ...more] = text.split(":");
  if (name === "" || alias === "" || more.length > 0) throw invalid(`bad format for links: ${text}`);
  return name.startsWith("/")
    ? { name: name.slice(1), alias: alias.split("/").at(-1) ?? "" }
    : { name, alias };
}
