// dockerd's options: the flag, the key in the configuration file, the type, and whether Gantry has it.
// An option that it does not have may still be given with the value it has anyway (`neutral`).

export type OptionType = "string" | "bool" | "int" | "list" | "map" | "runtimes";

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

/** `name`: "debug", or "debug/D" with a short form; without a key the option is a flag only. */
const yes = (name: string, key: string | undefined, type: OptionType, help: string): DaemonOption => {
  const [flag = name, shorthand] = name.split("/");
  return {
    flag,
    ...(shorthand !== undefined && { shorthand }),
    ...(key !== undefined && { key }),
    type,
    supported: true,
    help,
  };
};
const no = (flag: string, key: string, type: OptionType, ...neutral: readonly unknown[]) => ({
  flag,
  key,
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
  yes("bip", "bip", "string", "IPv4 address for the default bridge"),
  yes("bridge/b", "bridge", "string", "Name of the default bridge"),
  yes("config-file", undefined, "string", "Daemon configuration file"),
  yes("containerd", "containerd", "string", "containerd grpc address"),
  yes("data-root", "data-root", "string", "Root directory of persistent state"),
  yes("debug/D", "debug", "bool", "Enable debug mode"),
  yes("dns", "dns", "list", "DNS server to use"),
  yes("dns-opt", "dns-opts", "list", "DNS options to use"),
  yes("dns-search", "dns-search", "list", "DNS search domains to use"),
  yes("exec-root", "exec-root", "string", "Root directory for execution state files"),
  yes("group/G", "group", "string", "Group for the unix socket"),
  yes("help/h", undefined, "bool", "Print usage"),
  yes("host/H", "hosts", "list", "Daemon socket(s) to connect to"),
  yes("init", "init", "bool", "Run an init in the container to forward signals and reap processes"),
  yes("init-path", "init-path", "string", "Path to the docker-init binary"),
  yes("insecure-registry", "insecure-registries", "list", "Enable insecure registry communication"),
  yes("label", "labels", "list", "Set key=value labels to the daemon"),
  yes("live-restore", "live-restore", "bool", "Leave containers running when the daemon stops"),
  yes("log-level/l", "log-level", "string", 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")'),
  yes("log-opt", "log-opts", "map", "Default log driver options for containers"),
  yes("mtu", "mtu", "int", "Set the MTU of the default bridge"),
  yes("pidfile/p", "pidfile", "string", "Path to use for daemon PID file"),
  yes("registry-mirror", "registry-mirrors", "list", "Preferred registry mirror"),
  yes("shutdown-timeout", "shutdown-timeout", "int", "Seconds that containers get to stop"),
  yes("validate", undefined, "bool", "Validate daemon configuration and exit"),
  yes("version/v", undefined, "bool", "Print version information and quit"),

  no("allow-direct-routing", "allow-direct-routing", "bool", false),
  no("authorization-plugin", "authorization-plugins", "list"),
  no("bip6", "bip6", "string", ""),
  no("bridge-accept-fwmark", "bridge-accept-fwmark", "string", ""),
  no("cdi-spec-dir", "cdi-spec-dirs", "list"),
  no("cgroup-parent", "cgroup-parent", "string", ""),
  no("containerd-namespace", "containerd-namespace", "string", "moby"),
  no("containerd-plugins-namespace", "containerd-plugins-namespace", "string", "plugins.moby"),
  no("cpu-rt-period", "cpu-rt-period", "int", 0),
  no("cpu-rt-runtime", "cpu-rt-runtime", "int", 0),
  no("cri-containerd", "cri-containerd", "bool", false),
  no("default-address-pool", "default-address-pools", "list"),
  no("default-cgroupns-mode", "default-cgroupns-mode", "string", ""),
  no("default-gateway", "default-gateway", "string", ""),
  no("default-gateway-v6", "default-gateway-v6", "string", ""),
  no("default-ipc-mode", "default-ipc-mode", "string", "private"),
  no("default-network-opt", "default-network-opts", "map"),
  no("default-runtime", "default-runtime", "string", "runc"),
  no("default-shm-size", "default-shm-size", "string", "64M", "64MiB"),
  no("default-stop-timeout", "default-stop-timeout", "int", 10),
  no("default-ulimit", "default-ulimits", "map"),
  no("exec-opt", "exec-opts", "list", "native.cgroupdriver=cgroupfs"),
  no("experimental", "experimental", "bool", false),
  no("feature", "features", "map"),
  no("firewall-backend", "firewall-backend", "string", "", "nftables"),
  no("fixed-cidr", "fixed-cidr", "string", ""),
  no("fixed-cidr-v6", "fixed-cidr-v6", "string", ""),
  no("host-gateway-ip", "host-gateway-ips", "list"),
  no("http-proxy", "http-proxy", "string", ""),
  no("https-proxy", "https-proxy", "string", ""),
  no("icc", "icc", "bool", true),
  no("ip", "ip", "string", "0.0.0.0"),
  no("ip-forward", "ip-forward", "bool", true),
  no("ip-forward-no-drop", "ip-forward-no-drop", "bool", true),
  no("ip-masq", "ip-masq", "bool", true),
  no("ip6tables", "ip6tables", "bool", false),
  no("iptables", "iptables", "bool", true),
  no("ipv6", "ipv6", "bool", false),
  no("log-driver", "log-driver", "string", "json-file"),
  no("log-format", "log-format", "string", "text"),
  no("max-concurrent-downloads", "max-concurrent-downloads", "int", 3),
  no("max-concurrent-uploads", "max-concurrent-uploads", "int", 5),
  no("max-download-attempts", "max-download-attempts", "int", 5),
  no("metrics-addr", "metrics-addr", "string", ""),
  no("network-control-plane-mtu", "network-control-plane-mtu", "int", 1500),
  no("network-diagnostic-port", "network-diagnostic-port", "int", 0),
  no("nri-opts", "nri-opts", "map"),
  no("no-new-privileges", "no-new-privileges", "bool", false),
  no("no-proxy", "no-proxy", "string", ""),
  no("node-generic-resource", "node-generic-resources", "list"),
  no("raw-logs", "raw-logs", "bool", false),
  no("restart", "restart", "bool", true),
  no("rootless", "rootless", "bool", false),
  no("seccomp-profile", "seccomp-profile", "string", "", "builtin"),
  no("selinux-enabled", "selinux-enabled", "bool", false),
  no("storage-driver", "storage-driver", "string", "", "overlay2", "overlayfs"),
  no("storage-opt", "storage-opts", "list"),
  no("swarm-default-advertise-addr", "swarm-default-advertise-addr", "string", ""),
  no("tls", "tls", "bool", false),
  no("tlscacert", "tlscacert", "string", ""),
  no("tlscert", "tlscert", "string", ""),
  no("tlskey", "tlskey", "string", ""),
  no("tlsverify", "tlsverify", "bool", false),
  no("userland-proxy", "userland-proxy", "bool", false),
  no("userland-proxy-path", "userland-proxy-path", "string", ""),
  no("userns-remap", "userns-remap", "string", ""),
  keyOnly("allow-nondistributable-artifacts", "list"),
  keyOnly("builder", "map"),
  keyOnly("deprecated-key-path", "string", ""),
  keyOnly("host-gateway-ip", "string", ""),
  keyOnly("min-api-version", "string", "1.24"),
  keyOnly("proxies", "map"),
];
