// Container names: what is allowed, and one to give when the user gives none.

import { randomInt } from "node:crypto";
import { invalid } from "#base/errors.ts";
import { adjectives, surnames } from "./names.table.ts";

/** The name without its slash. */
export function parseContainerName(text: string): string {
  if (!/^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text))
    throw invalid(`Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return text.replace(/^\//, "");
}

/** A free adjective_surname; after a few tries with a digit, at last the short id. */
export function chooseName(isTaken: (name: string) => boolean, id: string): string {
  for (let attempt = 0; attempt < 6; attempt++) {
    const pair = `${adjectives[randomInt(adjectives.length)]}_${surnames[randomInt(surnames.length)]}`;
    const name = attempt === 0 ? pair : `${pair}${randomInt(10)}`;
    if (!isTaken(name)) return name;
  }
  return id.slice(0, 12);
}
