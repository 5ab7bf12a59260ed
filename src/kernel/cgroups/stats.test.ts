import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseExactJson, stringifyExactJson } from "#formats/exact-json.ts";
import { parseBlockEntries, readBlockStats } from "./block-stats-v1.ts";
import { parseRdma } from "./rdma-stats.ts";
import { parseCount, parseList } from "./read-files.ts";
import { readCgroupStats } from "./read-stats.ts";
import { openRecordedTree } from "./recorded-tree.ts";
import type { BlockEntry, CgroupStats } from "./stats.ts";
import { parseIoStat, parsePressure } from "./stats-v2.ts";

const ours = ["psi", "rdma", "intel_rdt", "network_interfaces"];

/** Without what runc leaves out (zeros, empty lists) and without what it does not tell. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([name, inner]) => !ours.includes(name) && inner !== 0)
    .map(([name, inner]) => [name, strip(inner)] as const);
  return Object.fromEntries(kept.filter(([, inner]) => !Array.isArray(inner) || inner.length > 0));
}

for (const version of [1, 2] as const)
  test(`version ${version}: a container's usage is told as runc told it`, () => {
    using tree = openRecordedTree(version);
    const expected = parseExactJson(
      readFileSync(join(import.meta.dirname, `fixtures/version-${version}.runc.json`), "utf8"),
    );
    const stats = readCgroupStats(tree.paths);
    const told = parseExactJson(stringifyExactJson(version === 1 ? stats : asRunc(stats)));
    assert.deepEqual(strip(told), strip(expected));
  });

/** runc 1.1 does not read version 2's peak and failures, the processors that may be used, and what was discarded. */
function asRunc({ memory, blkio, cpuset: _, ...rest }: CgroupStats): unknown {
  const without = (entries: readonly BlockEntry[] = []) => entries.filter(({ op }) => op !== "Discard");
  return {
    ...rest,
    cpuset: {},
    memory: { ...memory, usage: { ...memory.usage, max: 0, failcnt: 0 } },
    blkio: {
      ioServiceBytesRecursive: without(blkio.ioServiceBytesRecursive),
      ioServicedRecursive: without(blkio.ioServicedRecursive),
    },
  };
}

test("version 2 tells the pressure, the peak and the failures", () => {
  using tree = openRecordedTree(2);
  const { cpu, memory, blkio } = readCgroupStats(tree.paths);
  assert.deepEqual(cpu.psi?.some, { avg10: 34.14, avg60: 15.29, avg300: 3.81, total: 11_823_132 });
  assert.equal(memory.usage.failcnt, 165);
  assert.ok(Number(memory.usage.max) > 33_000_000);
  assert.ok(memory.psi !== undefined && blkio.psi !== undefined);
});

test("a cgroup that is not there has used nothing", () => {
  const stats = readCgroupStats({ v1: [] });
  assert.equal(stats.memory.usage.usage, 0);
  assert.deepEqual(stats.blkio, {});
});

test("no limit is told exactly", () => {
  assert.equal(stringifyExactJson(parseCount("max\n")), "18446744073709551615");
  assert.equal(stringifyExactJson(parseCount("9223372036854771712\n")), "9223372036854771712");
});

test("lists of processors are ranges", () => assert.deepEqual(parseList("0-2,5\n"), [0, 1, 2, 5]));

test("version 1: the sum over all devices is no entry", () =>
  assert.deepEqual(parseBlockEntries("8:0 Read 4096\n8:16 7\nTotal 4103\n"), [
    { major: 8, minor: 0, op: "Read", value: 4096 },
    { major: 8, minor: 16, value: 7 },
  ]));

test("version 1: where BFQ has counted nothing the throttle's numbers are told", () => {
  const files: Readonly<Record<string, string>> = {
    "bfq.io_serviced_recursive": "Total 0\n",
    "throttle.io_serviced_recursive": "8:0 Read 1\n",
    "throttle.io_service_bytes_recursive": "8:0 Read 512\n",
  };
  assert.deepEqual(
    readBlockStats((file) => files[file] ?? ""),
    {
      ioServicedRecursive: [{ major: 8, minor: 0, op: "Read", value: 1 }],
      ioServiceBytesRecursive: [{ major: 8, minor: 0, op: "Read", value: 512 }],
    },
  );
});

test("version 2: a device without I/O has no numbers", () =>
  assert.deepEqual(parseIoStat("8:0 \n259:0 rbytes=10 rios=1 cost.usage=5\n"), {
    ioServiceBytesRecursive: [{ major: 259, minor: 0, op: "Read", value: 10 }],
    ioServicedRecursive: [{ major: 259, minor: 0, op: "Read", value: 1 }],
  }));

test("pressure without the line of all processes", () =>
  assert.equal(parsePressure("some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n").full.total, 0));

test("an RDMA device may be unlimited", () =>
  assert.deepEqual(parseRdma("mlx4_0 hca_handle=2 hca_object=max\n"), [
    { device: "mlx4_0", hca_handles: 2, hca_objects: 4_294_967_295 },
  ]));
