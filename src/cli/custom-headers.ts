// DOCKER_CUSTOM_HEADERS: headers that each request carries, "name=value" separated by commas; they replace HttpHeaders of
// the configuration file. A field with commas or quotes is quoted as in CSV (RFC 4180).

const FAILED =
  "Failed to initialize: failed to set custom headers from DOCKER_CUSTOM_HEADERS environment variable";

/** Throws an Error in Docker's words. */
export function parseHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const field of splitFields(text)) {
    const equals = field.indexOf("=");
    if (field === "" || equals === 0)
      throw new Error(`${FAILED}: value contains a key=value pair with an empty key: '${field}'`);
    if (equals < 0) throw new Error(`${FAILED}: missing "=" in key=value pair: '${field}'`);
    headers[field.slice(0, equals).trim()] = field.slice(equals + 1);
  }
  return headers;
}

function splitFields(text: string): string[] {
  const found = text.match(/(?:^|,)(?:"(?:[^"]|"")*"|[^,]*)/g) ?? [];
  return found
    .map((part) => part.replace(/^,/, ""))
    .map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
}
