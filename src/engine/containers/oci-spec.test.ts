import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityNames } from "#spec/capabilities.table.ts";
import { decodeContainerConfig, decodeHostConfig } from "#spec/container-config.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import { defaultCapabilities, defaultMaskedPaths } from "./oci-defaults.table.ts";
import { buildSpec, type SpecInput } from "./oci-spec.ts";
import type { ContainerRecord, MountPoint } from "./record.ts";
import { planIpc } from "./shared-memory.ts";

interface Settings {
  readonly config?: object;
  readonly hostConfig?: object;
  readonly mounts?: readonly MountPoint[];
  readonly netns?: string;
  readonly idMaps?: IdMaps;
}

function build({ config, hostConfig, mounts = [], netns = "/netns/s", idMaps }: Settings) {
  const record: ContainerRecord = {
    id: "c".repeat(64),
    name: "web",
    createdAt: "",
    imageId: "",
    chainId: "",
    imageName: "",
    path: "sh",
    args: ["-c", "true"],
    config: decodeContainerConfig({ Hostname: "web", ...config }, ""),
    hostConfig: decodeHostConfig(
      {
        IpcMode: "private",
        ShmSize: 1000,
        MaskedPaths: defaultMaskedPaths,
        ReadonlyPaths: ["/proc/bus"],
        ...hostConfig,
      },
      "",
    ),
    networks: {},
    mounts,
    logPath: "",
    ...(idMaps !== undefined && { idMaps }),
  };
  const input: SpecInput = {
    record,
    user: { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" },
    devices: { nodes: [], rules: [], blockIo: {} },
    host: {
      cpus: 2,
      onlineCpus: "0-1",
      onlineMems: "0",
      cgroupVersion: 1,
      hasCpuset: true,
      capabilities: new Set(capabilityNames.filter((name) => name !== "CAP_SYS_RESOURCE")),
      hardLimits: new Map([["nofile", 4096]]),
      hostname: "host",
      thermalPaths: ["/sys/cpu0/thermal_throttle"],
    },
    links: [],
    netns,
    userns: idMaps === undefined ? undefined : "/netns/s.user",
    pidns: undefined,
    ipc: planIpc({ find: () => undefined }, record, "/containers"),
    etcDir: "/containers/c",
    seccomp: (profile, capabilities) => ({ defaultAction: `${profile} ${capabilities.length}` }),
  };
  return buildSpec(input);
}

const mountPoint: MountPoint = {
  type: "bind",
  name: "",
  source: "/src",
  destination: "/data",
  driver: "",
  mode: "",
  writable: true,
  propagation: "rprivate",
  copy: false,
  anonymous: false,
  createSource: true,
  options: [],
  recursive: true,
};
const mountsOf = (settings: Settings) => build(settings).mounts ?? [];
const targets = (settings: Settings): readonly string[] =>
  mountsOf(settings).map(({ destination }) => destination);

test("the default container is Docker's", () => {
  const spec = build({});
  assert.deepEqual(targets({}), [
    ...["/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"],
    ...["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"],
  ]);
  assert.deepEqual(spec.linux?.namespaces, [
    { type: "mount" },
    { type: "uts" },
    { type: "pid" },
    { type: "ipc" },
    { type: "network", path: "/netns/s" },
  ]);
  const { capabilities, env, user, cwd, rlimits } = spec.process ?? { cwd: "" };
  assert.deepEqual(new Set(capabilities?.effective), new Set(defaultCapabilities));
  assert.deepEqual([capabilities?.inheritable, capabilities?.ambient], [undefined, undefined]);
  assert.deepEqual(env, [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=web",
    "HOME=/root",
  ]);
  assert.deepEqual(user, { uid: 0, gid: 0, additionalGids: [0, 10] });
  assert.equal(cwd, "/");
  assert.deepEqual(rlimits, [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }]);
  assert.equal(spec.linux?.cgroupsPath, `/docker/${"c".repeat(64)}`);
  assert.equal(spec.linux?.seccomp?.defaultAction, "builtin 14");
});

test("privileged grants what there is and lifts the masks", () => {
  const spec = build({ hostConfig: { Privileged: true, MaskedPaths: null, ReadonlyPaths: null } });
  assert.equal(spec.process?.capabilities?.bounding?.length, capabilityNames.length - 1);
  assert.equal(spec.linux?.seccomp, undefined);
  assert.deepEqual(spec.linux?.maskedPaths, []);
  assert.deepEqual(spec.linux?.resources?.devices, [{ allow: true, access: "rwm" }]);
  const sys = spec.mounts?.find(({ destination }) => destination === "/sys");
  assert.ok(sys?.options?.includes("rw") && !sys.options.includes("ro"));
});

test("a user's mount replaces the default at its place, and one on /dev all below it", () => {
  assert.deepEqual(
    mountsOf({ mounts: [{ ...mountPoint, destination: "/etc/hosts" }] }).filter(
      ({ destination }) => destination === "/etc/hosts",
    ),
    [{ destination: "/etc/hosts", type: "bind", source: "/src", options: ["rbind", "rprivate"] }],
  );
  assert.ok(!targets({ mounts: [{ ...mountPoint, destination: "/dev" }] }).includes("/dev/shm"));
});

test("a read-only mount is read-only all the way down unless that is not wanted", () => {
  const readOnly = { ...mountPoint, writable: false };
  const optionsOf = (mount: MountPoint) =>
    mountsOf({ mounts: [mount] }).find(({ destination }) => destination === "/data")?.options;
  assert.deepEqual(optionsOf(readOnly), ["rbind", "rro", "rprivate"]);
  assert.deepEqual(optionsOf({ ...readOnly, writableBelow: true }), ["rbind", "ro", "rprivate"]);
});

test("with the host's IPC, message queues need no mount of the host", () => {
  const mounts = mountsOf({ hostConfig: { IpcMode: "host" } }).filter(({ destination }) =>
    ["/dev/mqueue", "/dev/shm"].includes(destination),
  );
  assert.deepEqual(
    mounts.map(({ type }) => type),
    ["mqueue", "bind"],
  );
});

test("mounts come after those that they lie below", () => {
  const mounts = [
    mountPoint,
    { ...mountPoint, destination: "/data/a/b" },
    { ...mountPoint, destination: "/data/a" },
  ];
  const found = targets({ mounts }).filter((path) => path.startsWith("/data"));
  assert.deepEqual(found, ["/data", "/data/a", "/data/a/b"]);
});

test("options of a tmpfs replace the defaults of their kind", () => {
  const [tmpfs] = mountsOf({ hostConfig: { Tmpfs: { "/t": "exec,size=1m" } } }).filter(
    ({ destination }) => destination === "/t",
  );
  assert.deepEqual(tmpfs?.options, ["exec", "nosuid", "nodev", "rprivate", "size=1m"]);
});

test("the host's namespaces are shared when asked for", () => {
  const spec = build({ hostConfig: { UTSMode: "host", PidMode: "host", IpcMode: "host" }, netns: "" });
  assert.deepEqual(spec.linux?.namespaces, [{ type: "mount" }]);
  assert.equal(spec.hostname, undefined);
  assert.deepEqual(spec.linux?.sysctl, {});
});

test("limits become cgroup values", () => {
  const { resources } =
    build({ hostConfig: { Memory: 1e7, MemorySwap: 2e7, NanoCpus: 5e8, PidsLimit: 9, CpuShares: 512 } })
      .linux ?? {};
  assert.deepEqual(resources?.memory, { limit: 1e7, swap: 2e7 });
  assert.deepEqual(resources?.cpu, { shares: 512, period: 100_000, quota: 50_000 });
  assert.deepEqual(resources?.pids, { limit: 9 });
  assert.deepEqual(build({ hostConfig: { PidsLimit: 0 } }).linux?.resources?.pids, { limit: -1 }); // taken away by an update
});

test("dropped capabilities are gone and added ones there", () => {
  const capabilities = build({ hostConfig: { CapDrop: ["all"], CapAdd: ["net_admin", "CAP_SYS_RESOURCE"] } })
    .process?.capabilities;
  assert.deepEqual(capabilities?.effective, ["CAP_NET_ADMIN"]);
});

test("in a user namespace, what the engine keeps is id-mapped and what the host has elsewhere is not", () => {
  const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const volume: MountPoint = { ...mountPoint, type: "volume", name: "v", destination: "/volume" };
  const spec = build({ mounts: [mountPoint, volume], idMaps: { uids: mappings, gids: mappings } });
  const mapped = (spec.mounts ?? [])
    .filter(({ uidMappings }) => uidMappings === mappings)
    .map(({ destination }) => destination);
  assert.deepEqual(mapped, ["/volume", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"]);
  assert.deepEqual(
    spec.linux?.namespaces?.find(({ type }) => type === "user"),
    { type: "user", path: "/netns/s.user" },
  );
  assert.deepEqual(Object.keys(spec.linux?.sysctl ?? {}), ["net.ipv4.ip_unprivileged_port_start"]);
});
