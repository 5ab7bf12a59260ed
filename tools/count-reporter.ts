// A reporter for node's test runner that prints nothing but the counts, as JSON, when the run has ended.

import type { TestEvent } from "node:test/reporters";

// biome-ignore lint/style/noDefaultExport: the test runner wants the reporter as default export
export default async function* countTests(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    if (event.data.details.type === "suite") continue;
    if (event.data.skip !== undefined) skipped++;
    else if (event.type === "test:pass") passed++;
    else failed++;
  }
  yield JSON.stringify({ passed, failed, skipped });
}
