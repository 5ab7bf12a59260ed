import type { PortBinding } from "#spec/engine-api/definitions.table.ts";
import type { UpdateWithPorts } from "#spec/engine-api/ports.ts";
import { forEachName } from "../../each.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { bytes, list, text } from "../../grammar/flags.ts";
import { OPTIONS } from "../../run-options/flags.ts";
import { parsePublish } from "../../run-options/ports.ts";
import { parseRestart } from "../../run-options/settings.ts";

const restart = text("restart", { about: "Restart policy to apply when a container exits" });

/** Not Docker's. */
const publishAdd = list("publish-add", { about: "Publish a port of the container that runs to the host" });
const publishRemove = list("publish-rm", { about: "Publish a port of the container no longer" });

const FIELDS = {
  BlkioWeight: OPTIONS.blkioWeight,
  CpuPeriod: OPTIONS.cpuPeriod,
  CpuQuota: OPTIONS.cpuQuota,
  CpuRealtimePeriod: OPTIONS.cpuRtPeriod,
  CpuRealtimeRuntime: OPTIONS.cpuRtRuntime,
  CpuShares: OPTIONS.cpuShares,
  CpusetCpus: OPTIONS.cpusetCpus,
  CpusetMems: OPTIONS.cpusetMems,
  KernelMemory: bytes("kernel-memory"),
  Memory: OPTIONS.memory,
  MemoryReservation: OPTIONS.memoryReservation,
  MemorySwap: OPTIONS.memorySwap,
  NanoCpus: OPTIONS.cpus,
  PidsLimit: OPTIONS.pidsLimit,
} as const;

const flags = [restart, publishAdd, publishRemove, ...Object.values(FIELDS)];

/** The ports of several -p by the container's: "80/tcp". */
function bindingsOf(specs: readonly string[]): Readonly<Record<string, readonly PortBinding[]>> {
  const bindings = new Map<string, PortBinding[]>();
  for (const { port, binding } of specs.flatMap(parsePublish))
    bindings.set(port, [...(bindings.get(port) ?? []), binding]);
  return Object.fromEntries(bindings);
}

function requestOf({ option, isGiven }: Call): UpdateWithPorts {
  const limits = Object.entries(FIELDS).filter(([, flag]) => isGiven(flag));
  return {
    ...Object.fromEntries(limits.map(([field, flag]) => [field, option<unknown>(flag)])),
    RestartPolicy: parseRestart(option(restart)),
    ...(isGiven(publishAdd) && { PublishAdd: bindingsOf(option(publishAdd)) }),
    ...(isGiven(publishRemove) && { PublishRemove: bindingsOf(option(publishRemove)) }),
  };
}

async function run(call: Call): Promise<void> {
  if (!flags.some(call.isGiven))
    throw new Error("you must provide one or more flags when using this command");
  const request = requestOf(call);
  const warnings: string[] = [];
  try {
    await forEachName(call, async (engine, name) => {
      warnings.push(...(await engine.containers.update(name, request, call.signal)));
      return name;
    });
  } finally {
    if (warnings.length > 0) call.session.out(`${warnings.join("\n")}\n`);
  }
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Update configuration of one or more containers",
  takes: [1, ANY],
  flags,
  run,
};
