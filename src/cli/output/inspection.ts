// `inspect`: the daemon's JSON as it is, indented; or a template over it.

import { parseExactJson } from "#formats/exact-json.ts";
import { compileTemplate } from "#formats/go-template.ts";
import { ExitError } from "../grammar/errors.ts";
import { optionalText } from "../grammar/flags.ts";
import { messageFor } from "../messages.ts";
import type { Session } from "../session.ts";

export const templateHelp =
  "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.";

export const inspectFormat = optionalText("format", { short: "f", about: templateHelp });

/** Fetches the JSON text of one object. Throws if there is none. */
export type Fetch = (name: string) => Promise<string>;

/** What stands before and after a token, and how the depth changes. */
function layout(
  token: string,
  before: string,
  after: string,
): { lead: boolean; trail: boolean; depth: number } {
  const opens = token === "{" || token === "[";
  const closes = token === "}" || token === "]";
  return {
    lead: closes && before !== "{" && before !== "[",
    trail: token === "," || (opens && after !== "}" && after !== "]"),
    depth: opens ? 1 : closes ? -1 : 0,
  };
}

/** Indents JSON by four spaces and leaves its tokens alone: numbers stay exact, texts stay escaped as they are. */
export function indentJson(text: string, indent = "    "): string {
  let out = "";
  let depth = 0;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
  const newline = (): string => `\n${indent.repeat(depth)}`;
  for (const [at, token] of tokens.entries()) {
    const step = layout(token, tokens[at - 1] ?? "", tokens[at + 1] ?? "");
    depth += step.depth;
    out += `${step.lead ? newline() : ""}${token}${token === ":" ? " " : ""}${step.trail ? newline() : ""}`;
  }
  return out;
}

function render(found: readonly string[], format: string | undefined): string {
  if (format === undefined || format === "") {
    if (found.length === 0) return "[]\n";
    return `${indentJson(`[${found.join(",")}]`)}\n`;
  }
  if (format === "json") return `[${found.map((text) => text.trim()).join(",")}]\n`;
  const template = compile(format);
  return found.map((text) => `${template.execute(parseExactJson(text))}\n`).join("");
}

/** `name`: what Go calls the template; "" for most. */
export function badTemplate(cause: unknown, name = ""): ExitError {
  const reason = messageFor(cause).replace(/^template: :/, `template: ${name}:`);
  return new ExitError(64, `template parsing error: ${reason}`, { cause });
}

function compile(format: string): { execute(data: unknown): string } {
  try {
    return compileTemplate(format, { missingKey: "error" });
  } catch (error) {
    throw badTemplate(error);
  }
}

/** Prints all that were found, then fails with the messages of those that were not. */
export async function inspectAll(
  session: Session,
  names: readonly string[],
  format: string | undefined,
  fetch: Fetch,
): Promise<void> {
  const found: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await fetch(name));
    } catch (error) {
      failures.push(messageFor(error));
    }
  }
  try {
    session.out(render(found, format));
  } catch (error) {
    if (error instanceof ExitError) throw error;
    session.out("\n");
    failures.push(`template parsing error: ${error instanceof Error ? error.message : ""}`);
  }
  if (failures.length > 0) throw new ExitError(1, failures.join("\n"));
}
