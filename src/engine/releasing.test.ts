import assert from "node:assert/strict";
import { test } from "node:test";
import { releasing } from "./releasing.ts";

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const report = (error: unknown): void => assert.fail(String(error));

test("what is held is given back when the last chunk was taken", async () => {
  const { signal } = new AbortController();
  let releases = 0;
  const release = async (): Promise<void> => void releases++;
  const chunks = releasing(chunksOf("a", "b"), { release, signal, report });
  for await (const _chunk of chunks) assert.equal(releases, 0);
  assert.equal(releases, 1);
});

for (const when of ["before", "after"] as const)
  test(`what is held is given back to a client that hangs up ${when} it could begin to read`, () => {
    const hangUp = new AbortController();
    let releases = 0;
    const release = async (): Promise<void> => void releases++;
    if (when === "before") hangUp.abort();
    releasing(chunksOf("a"), { release, signal: hangUp.signal, report });
    hangUp.abort();
    assert.equal(releases, 1);
  });
