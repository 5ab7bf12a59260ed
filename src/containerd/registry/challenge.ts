// WWW-Authenticate (RFC 9110): what a registry wants to see before it answers.

export type Challenge =
  | { readonly scheme: "basic"; readonly realm: string }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string; readonly scope: string };

const parameter = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gy;

/** The challenges of one or several header lines, unknown schemes left out. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header;
  while (rest !== "") {
    const scheme = /^[\s,]*([A-Za-z][A-Za-z0-9-]*)(?:\s+|(?=,)|$)/.exec(rest);
    if (scheme === null) break;
    rest = rest.slice(scheme[0].length);
    const { values, length } = parseParameters(rest);
    rest = rest.slice(length);
    const challenge = toChallenge(scheme[1] ?? "", values);
    if (challenge !== undefined) challenges.push(challenge);
  }
  return challenges;
}

function parseParameters(text: string): {
  readonly values: ReadonlyMap<string, string>;
  readonly length: number;
} {
  const values = new Map<string, string>();
  let length = 0;
  for (;;) {
    parameter.lastIndex = length + (/^[\s,]*/.exec(text.slice(length))?.[0].length ?? 0);
    const found = parameter.exec(text);
    if (found === null) return { values, length };
    const [, key = "", quoted, token = ""] = found;
    values.set(key.toLowerCase(), quoted === undefined ? token : quoted.replace(/\\(.)/g, "$1"));
    length = parameter.lastIndex;
  }
}

function toChallenge(scheme: string, values: ReadonlyMap<string, string>): Challenge | undefined {
  const value = (key: string): string => values.get(key) ?? "";
  switch (scheme.toLowerCase()) {
    case "basic":
      return { scheme: "basic", realm: value("realm") };
    case "bearer":
      return { scheme: "bearer", realm: value("realm"), service: value("service"), scope: value("scope") };
    default:
      return undefined;
  }
}
