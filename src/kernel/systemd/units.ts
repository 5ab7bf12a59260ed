// systemd's units over D-Bus (man 5 org.freedesktop.systemd1).

import { systemError } from "#base/errors.ts";
import type { DbusValue, DbusVariant } from "#formats/dbus/signature.ts";
import { type Bus, type BusCall, BusError, daemonCall } from "./bus.ts";

export interface UnitProperty {
  readonly name: string;
  readonly value: DbusVariant;
}

const destination = "org.freedesktop.systemd1";
const path = "/org/freedesktop/systemd1";
const manager = `${destination}.Manager`;

const managerCall = (member: string, signature: string, body: readonly DbusValue[]): BusCall => ({
  destination,
  path,
  interface: manager,
  member,
  signature,
  body,
});

const encodeProperties = (properties: readonly UnitProperty[]): DbusValue =>
  properties.map(({ name, value }) => [name, value]);

const JOB_TIMEOUT = 30_000;

/** Resolves when the unit is there. A failed unit of that name, left by another, makes way. */
export async function startTransientUnit(
  bus: Bus,
  name: string,
  properties: readonly UnitProperty[],
  signal: AbortSignal,
): Promise<void> {
  const body = [name, "replace", encodeProperties(properties), []];
  const call = managerCall("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
  const start = (): Promise<string> => runJob(bus, call, signal);
  const result = await start().catch(async (error: unknown) => {
    if (!isBusError(error, "UnitExists")) throw error;
    await resetFailedUnit(bus, name, signal);
    return await start();
  });
  if (result === "done") return;
  await resetFailedUnit(bus, name, signal);
  throw systemError(`error creating systemd unit \`${name}\`: got \`${result}\``);
}

/** Ends what runs in the unit and forgets it; a unit that is not there is success. */
export async function stopUnit(bus: Bus, name: string, signal: AbortSignal): Promise<void> {
  try {
    await runJob(bus, managerCall("StopUnit", "ss", [name, "replace"]), signal);
  } catch (error) {
    if (!isBusError(error, "NoSuchUnit")) throw error;
  }
  await resetFailedUnit(bus, name, signal);
}

/** Best effort: a unit that has not failed is not loaded any more. */
async function resetFailedUnit(bus: Bus, name: string, signal: AbortSignal): Promise<void> {
  await bus.call(managerCall("ResetFailedUnit", "s", [name]), signal).catch((error: unknown) => {
    if (!(error instanceof BusError)) throw error;
  });
}

/** Until the next boot. */
export async function setUnitProperties(
  bus: Bus,
  name: string,
  properties: readonly UnitProperty[],
  signal: AbortSignal,
): Promise<void> {
  const body = [name, true, encodeProperties(properties)];
  await bus.call(managerCall("SetUnitProperties", "sba(sv)", body), signal);
}

/** "252.39-1~deb12u1" is 252. */
export async function readSystemdVersion(bus: Bus, signal: AbortSignal): Promise<number> {
  const text = await readManagerProperty(bus, "Version", signal);
  return Number(/\d+/.exec(text)?.[0] ?? 0);
}

/** The manager's own cgroup: "" of the machine's, "/user.slice/…/user@1000.service" of a user's. */
export const readManagerCgroup = (bus: Bus, signal: AbortSignal): Promise<string> =>
  readManagerProperty(bus, "ControlGroup", signal);

async function readManagerProperty(bus: Bus, name: string, signal: AbortSignal): Promise<string> {
  const [value] = await bus.call(
    { ...managerCall("Get", "ss", [manager, name]), interface: "org.freedesktop.DBus.Properties" },
    signal,
  );
  return value instanceof Object && "value" in value ? String(value.value) : "";
}

/** Jobs that end are told to everybody who asked for that. */
export const watchJobs = (bus: Bus, signal: AbortSignal): Promise<unknown> =>
  bus.call(daemonCall("AddMatch", `type='signal',interface='${manager}',member='JobRemoved'`), signal);

const isBusError = (error: unknown, name: string): boolean =>
  error instanceof BusError && error.errorName === `${destination}.${name}`;

/** Resolves to the job's result: "done", "failed", "timeout"… It may end before the call is answered. */
async function runJob(bus: Bus, call: BusCall, signal: AbortSignal): Promise<string> {
  const results = new Map<string, string>();
  let wake = (): void => {};
  using _listening = bus.onSignal(({ member, body }) => {
    if (member !== "JobRemoved") return;
    const [, job, , result] = body;
    results.set(String(job), String(result));
    wake();
  });
  const [job] = await bus.call(call, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(JOB_TIMEOUT)]);
  for (;;) {
    const result = results.get(String(job));
    if (result !== undefined) return result;
    await new Promise<void>((resolve, reject) => {
      wake = resolve;
      limit.addEventListener("abort", () => reject(limit.reason), { once: true });
      if (limit.aborted) reject(limit.reason);
    });
  }
}
