// `--cap-add` and `--cap-drop`, as one decision: what is added is not dropped, and ALL stands for the rest.

const ALL = "ALL";

function fullName(text: string): string {
  const name = text.trim().toUpperCase();
  return name === ALL || name.startsWith("CAP_") ? name : `CAP_${name}`;
}

const fullNames = (texts: readonly string[]): readonly string[] => {
  const names = new Set(texts.map(fullName));
  return names.has(ALL) ? [ALL] : [...names].sort();
};

export function chooseCapabilities(
  add: readonly string[],
  drop: readonly string[],
): { readonly CapAdd: readonly string[]; readonly CapDrop: readonly string[] } {
  const CapAdd = fullNames(add);
  return { CapAdd, CapDrop: fullNames(drop).filter((name) => name === ALL || !CapAdd.includes(name)) };
}
