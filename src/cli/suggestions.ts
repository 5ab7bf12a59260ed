// "Did you mean this?" for a command that does not exist.

/** A word may be wrong in two letters, a short one in one. */
const mayDiffer = (word: string): number => (word.length < 4 ? 1 : 2);

/** How many letters must be changed, added or taken away (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (const [at, other] of [...b].entries())
      next.push(
        Math.min((row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1, (row[at] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The names that the mistyped one is near to, or begins; nearest first. */
export function suggestNames(mistyped: string, names: readonly string[]): readonly string[] {
  const word = mistyped.toLowerCase();
  const near = [...new Set(names)]
    .map((name) => ({ name, edits: editsBetween(word, name) }))
    .filter(({ name, edits }) => edits <= mayDiffer(word) || name.startsWith(word));
  return near.sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}

/** What follows the message; "" if nothing is near. */
export function suggestionText(mistyped: string, names: readonly string[]): string {
  const near = suggestNames(mistyped, names);
  return near.length === 0 ? "" : `\n\nDid you mean this?\n${near.map((name) => `\t${name}`).join("\n")}`;
}
