// A reporter for node's test runner that prints nothing but the counts, as JSON, when the run has ended.

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

/** Of one failure: enough for a comparison of two results, not for two lists of thousands. */
const FAILURE_LINES = 60;

type Failure = Extract<TestEvent, { type: "test:fail" }>["data"];

/** Not that of a test within it. */
const isItsOwn = ({ details: { error } }: Failure): boolean =>
  !("failureType" in error && error.failureType === "subtestsFailed");

function describeFailure({ name, file = "", line, details }: Failure): string {
  const { cause = details.error } = details.error;
  const words = inspect(cause).split("\n");
  const shown = words.slice(0, FAILURE_LINES);
  if (words.length > FAILURE_LINES) shown.push(`... ${words.length - FAILURE_LINES} more lines`);
  const place = `${relative(process.cwd(), file)}${line === undefined ? "" : `:${line}`}`;
  return [`${place} ${name}`, ...shown.map((text) => `  ${text}`)].join("\n");
}

// biome-ignore lint/style/noDefaultExport: the test runner wants the reporter as default export
export default async function* countTests(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const failures: string[] = [];
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    if (event.type === "test:fail" && isItsOwn(event.data)) failures.push(describeFailure(event.data));
    if (event.data.details.type === "suite") continue;
    if (event.data.skip !== undefined) skipped++;
    else if (event.type === "test:pass") passed++;
    else failed++;
  }
  yield JSON.stringify({ passed, failed, skipped, failures });
}
