// Finds the way to systemd: the machine's for root, the user's for others.

import { existsSync } from "node:fs";
import { systemError } from "#base/errors.ts";
import { Bus, type BusAddress } from "./bus.ts";
import { watchJobs } from "./units.ts";

export interface SystemdCaller {
  readonly uid: number;
  /** XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws in runc's words where systemd does not run. */
export function requireSystemd(): void {
  if (!existsSync("/run/systemd/system"))
    throw systemError("systemd not running on this host, cannot use systemd cgroups manager");
}

/** As requireSystemd, and where there is no way to it. */
export async function openSystemd(caller: SystemdCaller, signal: AbortSignal): Promise<Bus> {
  requireSystemd();
  const address = busAddresses(caller).find(({ path }) => existsSync(path));
  if (address === undefined)
    throw systemError(
      caller.uid === 0
        ? "could not find the D-Bus socket of systemd"
        : "could not detect DBUS_SESSION_BUS_ADDRESS from the environment; make sure you have installed the dbus-user-session or dbus-daemon package",
    );
  const bus = await Bus.open(address, caller.uid, signal);
  if (address.isDaemon) await watchJobs(bus, signal);
  return bus;
}

/** In the order in which they are tried. */
export function busAddresses({ uid, environment }: SystemdCaller): readonly BusAddress[] {
  if (uid === 0)
    return [
      { path: "/run/dbus/system_bus_socket", isDaemon: true },
      { path: "/run/systemd/private", isDaemon: false },
    ];
  const given = /^unix:path=([^,;]+)/.exec(environment.DBUS_SESSION_BUS_ADDRESS ?? "")?.[1];
  const runtime = environment.XDG_RUNTIME_DIR;
  return [
    ...(given === undefined ? [] : [{ path: decodeURIComponent(given), isDaemon: true }]),
    ...(runtime === undefined || runtime === ""
      ? []
      : [
          { path: `${runtime}/bus`, isDaemon: true },
          { path: `${runtime}/systemd/private`, isDaemon: false },
        ]),
  ];
}
