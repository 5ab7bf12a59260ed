// dockerd's options: the flag, the key in the configuration file, the type, and whether Gantry has it.
// An option that it does not have may still be given with the value it has anyway (`neutral`).

export type OptionType =
  | "string"
  | "bool"
  | "int"
  | "list"
  | "map"
  | "maps"
  | "bools"
  | "pools"
  | "runtimes"
  | "size"
  | "ulimits";

export interface DaemonOption {
  readonly flag?: string;
  readonly shorthand?: string;
  /** Missing: the option is a flag only. */
  readonly key?: string;
  readonly type: OptionType;
  readonly supported: boolean;
  readonly neutral?: readonly unknown[];
  readonly help?: string;
}

/** `name`: "debug", or "debug/D" with a short form; without a key the option is a flag only, "=" is the key of the flag's name. */
const yes = (name: string, key: string | undefined, type: OptionType, help: string): DaemonOption => {
  const [flag = name, shorthand] = name.split("/");
  return {
    flag,
    ...(shorthand !== undefined && { shorthand }),
    ...(key !== undefined && { key: key === "=" ? flag : key }),
    type,
    supported: true,
    help,
  };
};
const no = (flag: string, key: string, type: OptionType, ...neutral: readonly unknown[]) => ({
  flag,
  key: key === "=" ? flag : key,
  type,
  supported: false,
  neutral,
});
const keyOnly = (key: string, type: OptionType, ...neutral: readonly unknown[]) => ({
  key,
  type,
  supported: false,
  neutral,
});

export const daemonOptions: readonly DaemonOption[] = [
  yes("add-runtime", "runtimes", "runtimes", "Register an additional OCI compatible runtime"),
  yes(
    "allow-direct-routing",
    "=",
    "bool",
    "Let others reach published ports by the containers' own addresses, too",
  ),
  yes("authorization-plugin", "authorization-plugins", "list", "Authorization plugins to load"),
  yes("bip", "=", "string", "IPv4 address for the default bridge"),
  yes("bip6", "=", "string", "IPv6 address for the default bridge"),
  yes("bridge/b", "=", "string", "Name of the default bridge"),
  yes("cdi-spec-dir", "cdi-spec-dirs", "list", "CDI specification directories to use"),
  yes("cgroup-parent", "=", "string", "Parent cgroup of containers that name none"),
  yes("config-file", undefined, "string", "Daemon configuration file"),
  yes("containerd", "=", "string", "containerd grpc address"),
  yes("data-root", "=", "string", "Root directory of persistent state"),
  yes("debug/D", "=", "bool", "Enable debug mode"),
  yes(
    "default-address-pool",
    "default-address-pools",
    "pools",
    "Subnets for networks that name none: base=CIDR,size=N",
  ),
  yes("default-cgroupns-mode", "=", "string", 'Default cgroup namespace mode ("host"|"private")'),
  yes("default-gateway", "=", "string", "IPv4 gateway of containers on the default bridge"),
  yes("default-gateway-v6", "=", "string", "IPv6 gateway of containers on the default bridge"),
  yes("default-ipc-mode", "=", "string", 'Default IPC mode ("shareable"|"private")'),
  yes(
    "default-network-opt",
    "default-network-opts",
    "maps",
    "Options of networks that are created: DRIVER=OPTION=VALUE",
  ),
  yes("default-runtime", "=", "string", "Default OCI runtime for containers"),
  yes("default-shm-size", "=", "size", "Default size of /dev/shm"),
  yes("default-stop-timeout", "=", "int", "Seconds that a container gets to stop"),
  yes("default-ulimit", "default-ulimits", "ulimits", "Default ulimits for containers"),
  yes(
    "discard-layer-blobs",
    "=",
    "bool",
    "Discard compressed layers once they are unpacked, where they can be rebuilt bit for bit (Gantry's own)",
  ),
  yes("dns", "=", "list", "DNS server to use"),
  yes("dns-opt", "dns-opts", "list", "DNS options to use"),
  yes("dns-search", "=", "list", "DNS search domains to use"),
  yes("event-backlog", "=", "int", "Past events to keep (Gantry's own)"),
  yes("exec-root", "=", "string", "Root directory for execution state files"),
  yes("experimental", "=", "bool", "Enable experimental features"),
  yes("fixed-cidr", "=", "string", "IPv4 subnet for containers on the default bridge"),
  yes("fixed-cidr-v6", "=", "string", "IPv6 subnet for containers on the default bridge"),
  yes("group/G", "=", "string", "Group for the unix socket"),
  yes("help/h", undefined, "bool", "Print usage"),
  yes("host/H", "hosts", "list", "Daemon socket(s) to connect to"),
  yes("host-gateway-ip", "host-gateway-ips", "list", 'IP address of "host-gateway" in --add-host'),
  yes(
    "firewall-respect-host",
    "=",
    "bool",
    "Let the host's rules for INPUT decide who reaches published ports (Gantry's own)",
  ),
  yes("http-proxy", "=", "string", "Proxy for registries that are reached by HTTP"),
  yes("https-proxy", "=", "string", "Proxy for registries that are reached by HTTPS"),
  yes("icc", "=", "bool", "Containers on the default bridge reach each other"),
  yes("init", "=", "bool", "Run an init in containers that do not say otherwise"),
  yes("init-path", "=", "string", "Path to that init"),
  yes("insecure-registry", "insecure-registries", "list", "Enable insecure registry communication"),
  yes("ip", "=", "string", "Host IP for published ports that name none"),
  yes("ip-forward", "=", "bool", "Turn on forwarding between interfaces"),
  yes(
    "ip-forward-no-drop",
    "=",
    "bool",
    "Where that turned it on, let the host forward between its own interfaces, too",
  ),
  yes("ip-masq", "=", "bool", "What leaves the default bridge gets the host's address"),
  yes("ip6tables", "=", "bool", "Make rules for IPv6"),
  yes("iptables", "=", "bool", "Make rules for IPv4 (nftables)"),
  yes("ipv6", "=", "bool", "Enable IPv6 on the default bridge"),
  yes("label", "labels", "list", "Set key=value labels to the daemon"),
  yes("live-restore", "=", "bool", "Leave containers running when the daemon stops"),
  yes("log-driver", "=", "string", "Default log driver for containers"),
  yes("log-format", "=", "string", 'Set the logging format ("text"|"json")'),
  yes("log-level/l", "=", "string", 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")'),
  yes("log-opt", "log-opts", "map", "Default log driver options for containers"),
  yes("max-concurrent-downloads", "=", "int", "Layers of one pull that are fetched at once"),
  yes("max-concurrent-uploads", "=", "int", "Layers that are sent to registries at once"),
  yes(
    "max-decompression-ratio",
    "=",
    "int",
    "How many times its size an image may grow when it is decompressed (0: any; Gantry's own)",
  ),
  yes("max-download-attempts", "=", "int", "Attempts to fetch a layer"),
  yes("metrics-addr", "=", "string", "Address to serve Prometheus metrics on"),
  yes("mtu", "=", "int", "Set the MTU of the default bridge"),
  yes("no-new-privileges", "=", "bool", "Set no-new-privileges for new containers"),
  yes("no-proxy", "=", "string", "Hosts and networks that are reached without a proxy"),
  yes("pidfile/p", "=", "string", "Path to use for daemon PID file"),
  yes("registry-mirror", "registry-mirrors", "list", "Preferred registry mirror"),
  yes(
    "scoped-host",
    "scoped-hosts",
    "list",
    "Socket with a limited scope (Gantry's own, see docs/daemon.md)",
  ),
  yes("seccomp-profile", "=", "string", 'Default seccomp profile: a file, "builtin" or "unconfined"'),
  yes(
    "signature-policy",
    "=",
    "string",
    "File that says whose signatures images must have (containers-policy.json; Gantry's own)",
  ),
  yes("shutdown-timeout", "=", "int", "Seconds that containers get to stop"),
  yes(
    "storage-driver/s",
    "=",
    "string",
    "How files of images and containers are kept: overlay2, or vfs, which copies (default: overlay2 where it can be mounted)",
  ),
  yes("tls", "=", "bool", "Use TLS; implied by --tlsverify"),
  yes("tlscacert", "=", "string", "Trust certificates signed by this CA only"),
  yes("tlscert", "=", "string", "Path to the TLS certificate"),
  yes("tlskey", "=", "string", "Path to the TLS key"),
  yes("tlsverify", "=", "bool", "Use TLS and verify the client"),
  yes("userns-remap", "=", "string", "User or group whose subordinate ids containers are mapped to"),
  yes("validate", undefined, "bool", "Validate daemon configuration and exit"),
  yes("version/v", undefined, "bool", "Print version information and quit"),

  no("bridge-accept-fwmark", "=", "string", ""),
  no("containerd-namespace", "=", "string", "moby"),
  no("containerd-plugins-namespace", "=", "string", "plugins.moby"),
  no("cpu-rt-period", "=", "int", 0),
  no("cpu-rt-runtime", "=", "int", 0),
  no("cri-containerd", "=", "bool", false),
  no("exec-opt", "exec-opts", "list", "native.cgroupdriver=cgroupfs"),
  no(
    "feature",
    "features",
    "bools",
    "buildkit=false",
    "containerd-snapshotter=true",
    "cdi=true",
    "time-namespaces=false",
  ),
  no("firewall-backend", "=", "string", "", "nftables"),
  no("network-control-plane-mtu", "=", "int", 1500),
  no("network-diagnostic-port", "=", "int", 0),
  no("node-generic-resource", "node-generic-resources", "list"),
  no("nri-opts", "=", "map"),
  no("raw-logs", "=", "bool", false, true),
  { flag: "restart", shorthand: "r", type: "bool", supported: false, neutral: [true] },
  no("rootless", "=", "bool", false),
  no("selinux-enabled", "=", "bool", false),
  no("storage-opt", "storage-opts", "list"),
  no("swarm-default-advertise-addr", "=", "string", ""),
  no("userland-proxy", "=", "bool", false),
  no("userland-proxy-path", "=", "string", ""),
  keyOnly("builder", "map"),
  keyOnly("host-gateway-ip", "string", ""),
  { key: "min-api-version", type: "string", supported: true },
  keyOnly("allow-nondistributable-artifacts", "list"),
  keyOnly("deprecated-key-path", "string", ""),
];
