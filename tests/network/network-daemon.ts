// A program for tests: a network controller in the network namespace that it is started in.
// Commands come as JSON lines on stdin, answers go as JSON lines to stdout: {"ok": value} or {"error": message}.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PluginRegistry } from "#engine/plugins/registry.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { nativeProgram } from "#main/native-program.ts";
import type { Sandbox } from "#network/controller.ts";
import { openNetworks } from "#network/open-controller.ts";
import { plainBridge } from "#spec/daemon-bridge.ts";
import type { Command } from "./daemon-client.ts";

const [directory = "", bridge = "docker0"] = process.argv.slice(2);
const settings = { dataRoot: join(directory, "data"), execRoot: join(directory, "exec") };
for (const path of Object.values(settings)) mkdirSync(path, { recursive: true });
const { signal } = new AbortController();
await using executor = await startZygote({
  binary: nativeProgram(),
  socket: join(settings.execRoot, "zygote.sock"),
});
/** Moments before and after what is asked of the kernel that are left until the daemon dies. */
let left = Number.POSITIVE_INFINITY;

function pass(): void {
  if (left-- <= 0) process.kill(process.pid, "SIGKILL");
}

const mortal: Executor = {
  run: async (plan, stop) => {
    pass();
    const result = await executor.run(plan, stop);
    pass();
    return result;
  },
  hold: (plan, stop) => executor.hold(plan, stop),
};
const networks = await openNetworks(
  {
    ...{ executor: mortal, sockets: executor.sockets, warn: (message) => console.error(message) },
    plugins: new PluginRegistry({ folders: { sockets: directory, specs: [] }, retryMs: 0 }),
  },
  {
    ...{ ...settings, bridge, mtu: 1500, defaultHostIp: "0.0.0.0" },
    ...{ addressPools: [], defaultBridge: plainBridge },
  },
  signal,
);

async function obey(command: Command): Promise<unknown> {
  switch (command.verb) {
    case "restore":
      return await networks.restore(command.live);
    case "attach":
      return await networks.attach(command.request, signal);
    case "attachMany": {
      const sandboxes: Sandbox[] = [];
      await Promise.all(
        command.requests.map(async (request) => sandboxes.push(await networks.attach(request, signal))),
      );
      return sandboxes;
    }
    case "detach":
      await Promise.all(command.sandboxIds.map((id) => networks.detach(id)));
      return undefined;
    case "create":
      return await networks.create(command.spec, signal);
    case "remove":
      return await networks.remove(command.network, signal);
    case "connect":
      return await networks.connect(command.sandboxId, command.endpoint, signal);
    case "disconnect":
      return await networks.disconnect(command.sandboxId, command.networkId);
    case "killAt":
      left = command.moment;
      return undefined;
    case "list":
      return networks.list();
    case "settle":
      await networks.settled();
      return undefined;
    case "removeAll":
      await networks.removeAll();
      return undefined;
    default:
      return command satisfies never;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const answer = await obey(JSON.parse(line)).then(
    (ok) => ({ ok, ms: performance.now() - started }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  const text = JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? Number(value) : value));
  process.stdout.write(`${text}\n`);
}
await networks[Symbol.asyncDispose]();
