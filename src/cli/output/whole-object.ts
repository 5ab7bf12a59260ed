// A template over one object, as `version` and `info` have it: an error of the template is told in Go's words for the object's type.

import { compileTemplate, type Template } from "#formats/go-template.ts";
import { messageFor } from "../messages.ts";
import type { Session } from "../session.ts";
import { badTemplate } from "./inspection.ts";
import { executeFormat, TEMPLATE_ERROR } from "./listing.ts";

export interface WholeObject {
  /** What Go calls the template; "" for most. */
  readonly name: string;
  readonly type: string;
  readonly data: unknown;
}

function compile(format: string, name: string): Template {
  try {
    return compileTemplate(format, { missingKey: "error" });
  } catch (error) {
    throw badTemplate(error, name);
  }
}

/** Prints the text and a newline, which is there even when the template fails. */
export function printWhole(session: Session, format: string, { name, type, data }: WholeObject): void {
  const template = compile(format === "json" ? "{{json .}}" : format, name);
  try {
    session.out(`${executeFormat(template, data)}\n`);
  } catch (error) {
    session.out("\n");
    const words = messageFor(error)
      .replace(TEMPLATE_ERROR, "")
      .replace(/^template: :/, `template: ${name}:`)
      .replace('executing ""', `executing "${name}"`)
      .replace(/map has no entry for key "(.*)"$/, `can't evaluate field $1 in type ${type}`);
    throw new Error(words, { cause: error });
  }
}
