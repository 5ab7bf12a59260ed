import assert from "node:assert/strict";
import { test } from "node:test";
import type { DbusMessage } from "#formats/dbus/message.ts";
import { failure, job, openFakeBus, removed, reply } from "./fake-bus.ts";
import { busAddresses } from "./open-systemd.ts";
import { readSystemdVersion, setUnitProperties, startTransientUnit, stopUnit } from "./units.ts";

const signal = new AbortController().signal;

test("a unit is there when its job is done, whether that is told before or after the answer", async () => {
  for (const answers of [
    [removed("/other", "failed"), reply("o", job), removed(job, "done")],
    [removed(job, "done"), reply("o", job)],
  ]) {
    await using fake = await openFakeBus(() => answers);
    await startTransientUnit(fake.bus, "x.scope", [], signal);
    assert.deepEqual(fake.calls, ["Hello", "StartTransientUnit"]);
  }
});

test("a failed unit of the same name makes way once", async () => {
  const answers = [[failure("UnitExists", "there")], [reply("")], [reply("o", job), removed(job, "done")]];
  await using fake = await openFakeBus(() => answers.shift() ?? []);
  await startTransientUnit(fake.bus, "x.scope", [], signal);
  assert.deepEqual(fake.calls.slice(1), ["StartTransientUnit", "ResetFailedUnit", "StartTransientUnit"]);
});

test("a unit that is in use is told", async () => {
  await using fake = await openFakeBus(({ member }) =>
    member === "StartTransientUnit" ? [failure("UnitExists", "Unit x.scope already exists.")] : [reply("")],
  );
  await assert.rejects(startTransientUnit(fake.bus, "x.scope", [], signal), {
    message: "Unit x.scope already exists.",
  });
});

test("a job that fails is an error with its result", async () => {
  await using fake = await openFakeBus(({ member }) =>
    member === "StartTransientUnit" ? [reply("o", job), removed(job, "timeout")] : [reply("")],
  );
  await assert.rejects(startTransientUnit(fake.bus, "x.scope", [], signal), {
    message: "error creating systemd unit `x.scope`: got `timeout`",
  });
});

test("stopping what is not there succeeds", async () => {
  await using fake = await openFakeBus(() => [failure("NoSuchUnit", "not loaded")]);
  await stopUnit(fake.bus, "x.scope", signal);
  assert.deepEqual(fake.calls.slice(1), ["StopUnit", "ResetFailedUnit"]);
});

test("properties are set for the time until the next boot", async () => {
  const bodies: DbusMessage["body"][] = [];
  await using fake = await openFakeBus(({ body }) => {
    bodies.push(body);
    return [reply("")];
  });
  const property = { name: "TasksMax", value: { signature: "t", value: 5n } };
  await setUnitProperties(fake.bus, "x.scope", [property], signal);
  assert.deepEqual(bodies, [["x.scope", true, [["TasksMax", { signature: "t", value: 5n }]]]]);
});

test("the version is the first number", async () => {
  await using fake = await openFakeBus(() => [reply("v", { signature: "s", value: "v252.39-1~deb12u1" })]);
  assert.equal(await readSystemdVersion(fake.bus, signal), 252);
});

test("a connection that is lost ends what waits", async () => {
  await using fake = await openFakeBus(() => []);
  await assert.rejects(readSystemdVersion(fake.bus, signal), /connection to D-Bus was closed/);
  await assert.rejects(readSystemdVersion(fake.bus, signal), /connection to D-Bus was closed/);
});

test("who is not let in is told", async () => {
  await assert.rejects(
    openFakeBus(() => [], "REJECTED EXTERNAL\r\n"),
    (error) => error instanceof Error && /REJECTED/.test(String(error.cause)),
  );
});

test("a user has a bus of his own", () => {
  const environment = {
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/user/7/my%20bus,guid=1",
    XDG_RUNTIME_DIR: "/run/user/7",
  };
  assert.deepEqual(
    busAddresses({ uid: 7, environment }).map(({ path }) => path),
    ["/run/user/7/my bus", "/run/user/7/bus", "/run/user/7/systemd/private"],
  );
  assert.equal(busAddresses({ uid: 0, environment })[0]?.path, "/run/dbus/system_bus_socket");
});
