// A daemon's life:
//   pid file -> engine (restores what an earlier daemon left) -> sockets -> SIGTERM -> sockets closed -> containers stopped -> end

import { mkdirSync } from "node:fs";
import { systemError } from "#base/errors.ts";
import type { DaemonSettings } from "#spec/daemon-config.ts";
import { openEngine } from "../engine.ts";
import { findGroup, parseHost, showAddress } from "./addresses.ts";
import type { Log } from "./log.ts";
import { watchEventLoop } from "./loop-watch.ts";
import { claimPidfile } from "./pidfile.ts";

/** Resolves with the exit code when the daemon has been stopped. */
export async function runDaemon(settings: DaemonSettings, log: Log): Promise<number> {
  if (process.getuid?.() !== 0) throw systemError("gantryd needs to be started with root privileges");
  process.umask(0o022);
  logStrayErrors(log);
  const addresses = settings.hosts.map((host) => parseHost(host, findGroup(settings.group)));
  mkdirSync(settings.dataRoot, { recursive: true, mode: 0o710 });
  mkdirSync(settings.execRoot, { recursive: true, mode: 0o711 });
  using _pidfile = claimPidfile(settings.pidfile, process.pid);
  using _watch = settings.debug
    ? watchEventLoop((delay) => log.debug(`event loop blocked for ${delay} ms`))
    : undefined;
  const stopped = waitForStop(log);

  await using engine = await openEngine(settings, log);
  for (const address of addresses) {
    const port = await engine.listen(address);
    if (address.kind === "tcp" && !isLoopback(address.host)) log.warn(`${showAddress(address)}: ${exposed}`);
    log.info(`API listen on ${showAddress(address.kind === "tcp" ? { ...address, port } : address)}`);
  }
  await engine.serveContainerd();
  log.info("Daemon has completed initialization");
  await stopped;
  engine.stopAccepting();
  await engine.stopContainers();
  log.info("Daemon shutdown complete");
  return 0;
}

const exposed =
  "binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network";

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host.startsWith("127.");

/** Nothing that one request does wrong ends the daemon. */
function logStrayErrors(log: Log): void {
  process.on("unhandledRejection", (error) => log.error("Unhandled rejection", error));
  process.on("uncaughtException", (error) => log.error("Uncaught exception", error));
}

/** The third signal ends the process at once, as with dockerd. */
function waitForStop(log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      log.info(`Processing signal '${name === "SIGTERM" ? "terminated" : "interrupt"}'`);
      count++;
      if (count === 3) process.exit(128 + (name === "SIGTERM" ? 15 : 2));
      resolve();
    });
  process.on("SIGHUP", () =>
    log.warn("SIGHUP: reloading the configuration is not supported; restart gantryd"),
  );
  process.on("SIGUSR1", () => log.info("SIGUSR1: nothing to dump")); // otherwise Node opens a debugger
  return promise;
}
