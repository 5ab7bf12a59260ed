// Everything that is mounted, made or hidden below the container's root, up to the pivot.

import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type CompileInput, hookedOf, mountsOutside } from "../compile-input.ts";
import { planCreateContainerHooks, planRuntimeHooks } from "../hooks/plan-hooks.ts";
import { hasNew, isPrivate, joinsOwnNetwork } from "../namespaces.ts";
import { planExecLabel } from "../process/plan-label.ts";
import { planConsole, planOpenTerminal } from "../process/plan-terminal.ts";
import { ROOT_SLOT } from "../slots.ts";
import { planSysctls } from "../sysctl.ts";
import { assignTreeSlots } from "./early-sources.ts";
import { planReadonly } from "./plan-bind.ts";
import { planDevices } from "./plan-devices.ts";
import { planLeaveHost } from "./plan-leave-host.ts";
import { planLateReadonly, planMounts } from "./plan-mounts.ts";
import { planIsolation, planOpenRoot, planRootfs, planRootPropagation, planSelfBind } from "./plan-rootfs.ts";

export function planContainerRoot(input: CompileInput): Plan {
  const { spec, options, process, rootPath, cgroup, namespaces } = input;
  const outer = mountsOutside(input);
  const { host, rootfs } = options;
  const ownUserNamespace = isPrivate(namespaces, "user");
  const inUserNamespace = ownUserNamespace || host.inUserNamespace === true;
  return [
    planIsolation(),
    { op: "umask", why: "modes are as given", mask: 0 },
    ...(outer ? [planSelfBind(rootPath)] : planRootfs(rootPath, rootfs)),
    planOpenRoot(rootPath),
    ...planMounts(spec, {
      cgroup,
      layout: host.cgroups,
      ownCgroupNamespace: isPrivate(namespaces, "cgroup"),
      inUserNamespace,
      trees: assignTreeSlots(spec, { ownUserNamespace: outer, newNetwork: hasNew(namespaces, "network") }),
    }),
    ...planDevices(spec, { inUserNamespace, hasKcore: host.hasKcore }),
    ...planOpenTerminal(process, options.consoleSocket),
    ...planConsole(process),
    ...planWorkingDirectory(process.cwd),
    ...planSysctls(spec.linux?.sysctl, {
      isPrivate: (type) =>
        isPrivate(namespaces, type) && !(type === "network" && joinsOwnNetwork(namespaces, host)),
      hostname: spec.hostname,
    }),
    ...planHidden(spec),
    ...planLateReadonly(spec),
    ...(spec.root?.readonly === true ? [planReadonly("", "root.readonly")] : []),
    ...planCreationHooks(input),
    ...planExecLabel(process, host),
    ...planLeaveHost(rootPath, options.noPivot),
    ...planRootPropagation(spec.linux?.rootfsPropagation),
  ];
}

/** While the machine's files can still be seen, so that mounts can be changed. */
function planCreationHooks(input: CompileInput): Plan {
  const container = hookedOf(input);
  const inside = planCreateContainerHooks(container);
  return [
    ...planRuntimeHooks("prestart", container),
    ...planRuntimeHooks("createRuntime", container),
    ...(inside.length === 0
      ? []
      : [{ op: "chdir", why: "directory of hooks", path: input.rootPath } as const, ...inside]),
  ];
}

/** As runc does: a missing working directory is made if it can be. */
const planWorkingDirectory = (cwd: string): Plan =>
  cwd === "/"
    ? []
    : [
        {
          op: "mkdir",
          why: `process.cwd ${cwd}`,
          path: cwd,
          root: ROOT_SLOT,
          mode: 0o755,
          parents: true,
          mayFail: true,
        },
      ];

const planHidden = ({ linux }: Spec): Plan => [
  ...(linux?.readonlyPaths ?? []).map(
    (path): Op => ({ op: "readonlyPath", why: `linux.readonlyPaths ${path}`, path, root: ROOT_SLOT }),
  ),
  ...(linux?.maskedPaths ?? []).map(
    (path): Op => ({ op: "maskPath", why: `linux.maskedPaths ${path}`, path, root: ROOT_SLOT }),
  ),
];
