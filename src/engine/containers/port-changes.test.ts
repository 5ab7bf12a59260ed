import assert from "node:assert/strict";
import { test } from "node:test";
import type { PortBindings } from "#spec/port-ranges.ts";
import { changeBindings, findBound, readPortChanges } from "./port-changes.ts";

const bind = (HostPort: string, HostIp = "") => ({ HostIp, HostPort });
const changes = (add: PortBindings, remove: PortBindings) => {
  const read = readPortChanges({ PublishAdd: add, PublishRemove: remove });
  assert.ok(read);
  return read;
};

test("a request without ports changes none", () => {
  assert.equal(readPortChanges({}), undefined);
  assert.equal(readPortChanges({ PublishAdd: {} }), undefined);
});

test("what is added stands beside what was there", () => {
  const next = changeBindings("web", { "80/tcp": [bind("8080")] }, changes({ "80": [bind("8081")] }, {}), []);
  assert.deepEqual(next, { "80/tcp": [bind("8080"), bind("8081")] });
});

test("a port is withdrawn by what it is in the container, or by one of its places on the host", () => {
  const before = { "80/tcp": [bind("8080"), bind("8081", "127.0.0.1")], "53/udp": [bind("53")] };
  assert.deepEqual(changeBindings("web", before, changes({}, { "80/tcp": null }), []), {
    "53/udp": [bind("53")],
  });
  assert.deepEqual(changeBindings("web", before, changes({}, { "80/tcp": [bind("8081")] }), []), {
    "80/tcp": [bind("8080")],
    "53/udp": [bind("53")],
  });
});

test("a port whose number was chosen at the start is withdrawn by that number", () => {
  const bound = { proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 32_768 } as const;
  const wanted = changes({}, { "80/tcp": [bind("32768")] });
  const found = findBound([bound, { ...bound, hostPort: 32_769 }, { ...bound, proto: "udp" }], wanted);
  assert.deepEqual(found, [bound]);
  assert.deepEqual(changeBindings("web", { "80/tcp": [bind("")] }, wanted, found), {});
});

test("what is not published cannot be withdrawn", () => {
  assert.throws(
    () => changeBindings("web", { "80/tcp": [bind("8080")] }, changes({}, { "81/tcp": null }), []),
    { kind: "notFound", message: "No public port '81/tcp' published for web" },
  );
});
