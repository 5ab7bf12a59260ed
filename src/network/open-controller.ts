// Puts the network controller of one engine together.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Executor } from "#kernel/plan/executor.ts";
import { LocalNetworkController, type NetworkSettings } from "./local-controller.ts";
import { holdPort } from "./ports/held-port.ts";
import { PortPublisher, type PortRange } from "./ports/publish.ts";

export interface OpenNetworksDeps {
  readonly executor: Executor;
  readonly warn: (message: string) => void;
}

export interface OpenNetworksSettings extends NetworkSettings {
  /** Host address of published ports that name none (dockerd's --ip). */
  readonly defaultHostIp: string;
}

/** The process must be in the host's network namespace: published ports are sockets of this process. */
export async function openNetworks(
  deps: OpenNetworksDeps,
  settings: OpenNetworksSettings,
  signal: AbortSignal,
): Promise<LocalNetworkController> {
  const ports = new PortPublisher({
    hold: holdPort,
    ephemeral: readEphemeralPorts(),
    hasIpv6: await canListenOnIpv6(),
    defaultHostIp: settings.defaultHostIp,
  });
  return await LocalNetworkController.open({ ...deps, ports }, settings, signal);
}

function readEphemeralPorts(): PortRange {
  const text = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const [first = 32768, last = 60999] = text.trim().split(/\s+/).map(Number);
  return { first, last };
}

/** As Docker tells: whether ::1 can be listened on. */
async function canListenOnIpv6(): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", () => resolve(false));
  server.listen({ host: "::1", port: 0, exclusive: true }, () => resolve(true));
  const able = await promise;
  server.close();
  return able;
}
