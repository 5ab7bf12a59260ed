// Lists of objects as Docker prints them: a table, a template of the user's, or JSON; one row an object.

import { compileTemplate, type Template, type TemplateOptions } from "#formats/go-template.ts";
import { Struct, toJson } from "#formats/go-template-values.ts";
import { alignColumns } from "#formats/table.ts";
import { optionalText } from "../grammar/flags.ts";
import type { Session } from "../session.ts";

export interface Listing {
  /** Go's name of the row's type, which its errors show. */
  readonly type: string;
  /** Field names to column heads. */
  readonly headers: Readonly<Record<string, string>>;
  readonly defaultTable: string;
}

export const formatFlag = optionalText("format", {
  about:
    "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
});

/** In the line of heads, functions leave the head as it is. */
const identity = ([value]: readonly unknown[]): unknown => value;
const HEAD_FUNCTIONS = Object.fromEntries(
  ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"].map((name) => [name, identity]),
);
const ROW_FUNCTIONS = { json: ([value]: readonly unknown[]) => toJson(value, value instanceof Struct) };

/** The head of a label's column: the last part of its name. */
const labelHead = (name: unknown): string => (String(name).split(".").at(-1) ?? "").replace(/[-_]/g, " ");

/** Before what is wrong with a template, or what it fails at. */
export const TEMPLATE_ERROR = "template parsing error: ";

const templateError = (cause: unknown): Error =>
  new Error(`${TEMPLATE_ERROR}${cause instanceof Error ? cause.message : ""}`, { cause });

export function compileFormat(source: string, options: TemplateOptions = {}): Template {
  try {
    return compileTemplate(source, { functions: ROW_FUNCTIONS, ...options });
  } catch (error) {
    throw templateError(error);
  }
}

export function executeFormat(template: Template, data: unknown): string {
  try {
    return template.execute(data);
  } catch (error) {
    throw templateError(error);
  }
}

const withEscapes = (source: string): string => source.replaceAll("\\t", "\t").replaceAll("\\n", "\n");

function tableText(listing: Listing, source: string, rows: readonly Struct[]): string {
  const template = compileFormat(source);
  const lines = rows.map((row) => executeFormat(template, row));
  const empty = Object.fromEntries(Object.keys(rows[0]?.fields ?? {}).map((name) => [name, undefined]));
  const heads = new Struct(listing.type, { ...empty, ...listing.headers, Label: labelHead });
  const head = executeFormat(compileFormat(source, { functions: HEAD_FUNCTIONS }), heads);
  return alignColumns(`${[head, ...lines].join("\n")}\n`);
}

/** All rows as text, "table …" and "json" understood; each row ends with a newline. */
export function formatRows(listing: Listing, format: string, rows: readonly Struct[]): string {
  if (format === "" || format === "table") return tableText(listing, listing.defaultTable, rows);
  if (/^table\s/.test(format)) return tableText(listing, withEscapes(format.slice(5).trim()), rows);
  const template = compileFormat(format === "json" ? "{{json .}}" : withEscapes(format.trim()));
  return rows.map((row) => `${executeFormat(template, row)}\n`).join("");
}

/** Prints rows; `quiet` is the field of a list of names only. */
export function printRows(
  session: Session,
  listing: Listing,
  choice: { readonly format: string | undefined; readonly quiet?: string | false },
  rows: readonly Struct[],
): void {
  const quiet = choice.quiet === undefined || choice.quiet === false ? undefined : `{{.${choice.quiet}}}`;
  const format = choice.format ?? "";
  const isTable = format === "" || format === "table";
  session.out(formatRows(listing, isTable && quiet !== undefined ? quiet : format, rows));
}
