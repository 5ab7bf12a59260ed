// Go's path.Match: "*" and "?" stop at slashes, "[a-z]" and "[^a-z]", "\" quotes.

import { invalid } from "#base/errors.ts";

/** Throws `invalid` "syntax error in pattern". */
export function compileGlob(pattern: string): RegExp {
  let source = "";
  let rest = pattern;
  while (rest !== "") {
    const [token = ""] = /^(?:\\.|\[\^?(?:\\.|[^\]\\])+\]|[^\\[])/su.exec(rest) ?? [];
    if (token === "") throw invalid("syntax error in pattern");
    source += translate(token);
    rest = rest.slice(token.length);
  }
  try {
    return new RegExp(`^${source}$`, "u");
  } catch (cause) {
    throw invalid("syntax error in pattern", { cause });
  }
}

function translate(token: string): string {
  if (token === "*") return "[^/]*";
  if (token === "?") return "[^/]";
  if (token.startsWith("[")) return token;
  const literal = token.startsWith("\\") ? token.slice(1) : token;
  return literal.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}
