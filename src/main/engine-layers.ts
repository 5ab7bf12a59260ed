// The layers below the engine: the zygote that asks the kernel, containerd in this process or another, networks.

import { join } from "node:path";
import { hasOurTasks, withOwnTasks } from "#containerd/own-tasks.ts";
import { connectContainerd } from "#containerd/proxy.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { createCgroupReaders } from "#containerd/tasks/cgroup-readers.ts";
import type { Trees } from "#containerd/trees/trees.ts";
import { RETRY_MS } from "#engine/plugins/client.ts";
import { pluginFolders } from "#engine/plugins/discover.ts";
import { PluginRegistry } from "#engine/plugins/registry.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";
import type { NetworkController } from "#network/controller.ts";
import { openNetworks } from "#network/open-controller.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import { makeScratch, openContainerdLayer, openTrees } from "./containerd-layer.ts";
import type { LiveSettings } from "./daemon/live-settings.ts";
import type { Log } from "./daemon/log.ts";
import { explainPlan } from "./explain-plan.ts";
import { nativeProgram } from "./native-program.ts";
import { createNativeShims } from "./native-shims.ts";

export interface LayersOptions {
  readonly live: LiveSettings;
  readonly log: Log;
  readonly host: HostFacts;
}

export interface Layers extends AsyncDisposable {
  readonly executor: Executor;
  readonly containerd: ContainerdServices;
  readonly networks: NetworkController;
  readonly plugins: PluginRegistry;
  /** Files of containers, read and written by threads. */
  readonly trees: Trees;
  /** Where they mount what they look at, in namespaces of their own. */
  readonly scratch: string;
}

export async function openLayers(options: LayersOptions, signal: AbortSignal): Promise<Layers> {
  await using undo = new AsyncDisposableStack();
  const { live, log } = options;
  const settings = live.current;
  const executor = undo.use(await startZygote({ binary: nativeProgram(), socket: zygoteSocket(settings) }));
  const containerd = undo.use(await openContainerd(options, executor));
  const plugins = new PluginRegistry({ folders: pluginFolders, retryMs: RETRY_MS });
  const networks = undo.use(
    await openNetworks(
      { executor, sockets: executor.sockets, plugins, warn: (message) => log.warn(message) },
      {
        dataRoot: settings.dataRoot,
        execRoot: settings.execRoot,
        bridge: settings.bridge === "" ? "docker0" : settings.bridge,
        defaultBridge: settings.defaultBridge,
        addressPools: settings.addressPools,
        mtu: settings.mtu,
        defaultHostIp: settings.ip,
        respectsHost: settings.firewallRespectHost,
        makesRules: { ipv4: settings.iptables, ipv6: settings.ip6tables },
        forwarding: { turnsOn: settings.ipForward, keepsApart: !settings.ipForwardNoDrop },
        allowsDirect: settings.allowDirectRouting,
      },
      signal,
    ),
  );
  const trees = undo.use(openTrees(zygoteSocket(settings)));
  const scratch = makeScratch(settings.execRoot);
  const closing = undo.move();
  return {
    executor,
    containerd,
    networks,
    plugins,
    trees,
    scratch,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const zygoteSocket = ({ execRoot }: DaemonSettings): string => join(execRoot, "zygote.sock");

async function openContainerd(
  { live, log, host }: LayersOptions,
  executor: Executor,
): Promise<ContainerdServices> {
  const settings = live.current;
  const { execRoot } = settings;
  const socketPath = zygoteSocket(settings);
  const binaries = live.runtimes;
  const warn = (message: string): void => log.warn(message);
  const openShims = () => createNativeShims({ executor, socketPath, host, binaries, warn });
  const explain = explainPlan(host, binaries);
  if (settings.containerd !== "") {
    const services = connectContainerd(settings.containerd, undefined, settings.snapshotter);
    if (await hasOurTasks(services)) return services;
    const readers = { ...createCgroupReaders(host.cgroups), explain };
    return withOwnTasks(services, { execRoot, shims: openShims(), readers, warn });
  }
  return openContainerdLayer({
    root: join(settings.dataRoot, "containerd"),
    execRoot,
    shims: openShims(),
    warn,
    executor,
    executorSocket: socketPath,
    cgroups: host.cgroups,
    snapshotter: settings.snapshotter,
    maxRatio: () => live.current.maxDecompressionRatio,
    discardBlobs: settings.discardLayerBlobs,
    explain,
  });
}
