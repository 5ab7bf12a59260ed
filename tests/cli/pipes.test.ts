// What is printed into a pipe arrives whole, however slowly it is read.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { must } from "../system/process.ts";
import { startFakeDaemon } from "./fake-daemon.ts";

const gantry = join(import.meta.dirname, "../../bin/gantry");

for (const linger of ["0", "1"])
  test(`a megabyte of lines comes through a pipe (GANTRY_LINGER=${linger})`, async () => {
    const json = Array.from({ length: 15_000 }, (_, index) => ({ Id: String(index).padStart(64, "0") }));
    await using daemon = await startFakeDaemon(() => ({ json }));
    const env = { DOCKER_HOST: daemon.host, GANTRY_LINGER: linger };
    const printed = await must(["sh", "-c", '"$0" ps --all --quiet --no-trunc | cat', gantry], { env });
    assert.equal(printed.split("\n").length, json.length + 1);
  });
