// Streams of JSON: which form a client names, and one text of it.

/** The first of them is preferred. */
const streamTypes = ["application/jsonl", "application/x-ndjson", "application/json-seq"] as const;

/** The form that an Accept header names with the highest weight (RFC 9110 12.5.1); `ranges`: "application/*" names all of them. */
export function acceptedStream(
  accept: string | undefined,
  { ranges = false }: { readonly ranges?: boolean } = {},
): string | undefined {
  const weights = new Map((accept ?? "").split(",").map(parseRange));
  const any = ranges ? (weights.get("application/*") ?? weights.get("*/*") ?? 0) : 0;
  const weightOf = (type: string): number => weights.get(type) ?? any;
  const best = Math.max(...streamTypes.map(weightOf));
  return streamTypes.find((type) => best > 0 && weightOf(type) === best);
}

function parseRange(range: string): readonly [type: string, weight: number] {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  return [type, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}

/** `text`: JSON without line breaks. A sequence marks the beginning of each text (RFC 7464). */
export const frameJson = (text: string, contentType: string): string =>
  contentType === "application/json-seq" ? `\u001e${text}\n` : `${text}\n`;
