// JSON whose integers stay exact: those beyond 2^53 (times in nanoseconds, limits) are read as bigint and written back.

const isInteger = (source: string): boolean => /^-?\d+$/.test(source);

export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return Number.isSafeInteger(value) || !isInteger(source) ? value : BigInt(source);
  });
}

export function stringifyExactJson(value: unknown, indent?: number): string {
  const marked = JSON.stringify(
    value,
    (_key, element: unknown) => (typeof element === "bigint" ? `\u0000${element}\u0000` : element),
    indent,
  );
  return marked === undefined ? "null" : marked.replace(/"\\u0000(-?\d+)\\u0000"/g, "$1");
}
