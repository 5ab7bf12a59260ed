// The Debian packages that the tests need, each with a file that tells whether it is there.

import { existsSync } from "node:fs";

const packages: Readonly<Record<string, string>> = {
  "apache2-utils": "/usr/bin/htpasswd",
  attr: "/usr/bin/getfattr",
  buildah: "/usr/bin/buildah",
  "busybox-static": "/bin/busybox",
  bzip2: "/bin/bzip2",
  containerd: "/usr/bin/ctr",
  curl: "/usr/bin/curl",
  "docker-compose": "/usr/bin/docker-compose",
  "docker-registry": "/usr/bin/docker-registry",
  "docker.io": "/usr/sbin/dockerd",
  fish: "/usr/bin/fish",
  iproute2: "/bin/ip",
  iptables: "/usr/sbin/iptables",
  lxc: "/usr/bin/lxc-execute",
  nftables: "/usr/sbin/nft",
  "nginx-light": "/usr/sbin/nginx",
  openssl: "/usr/bin/openssl",
  podman: "/usr/bin/podman",
  postgresql: "/usr/lib/postgresql",
  procps: "/bin/ps",
  "python3-docker": "/usr/lib/python3/dist-packages/docker/__init__.py",
  "python3-minimal": "/usr/bin/python3",
  "redis-server": "/usr/bin/redis-server",
  rsyslog: "/usr/sbin/rsyslogd",
  "rsyslog-gnutls": `/usr/lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu/rsyslog/lmnsd_gtls.so`,
  runc: "/usr/sbin/runc",
  skopeo: "/usr/bin/skopeo",
  strace: "/usr/bin/strace",
  tmux: "/usr/bin/tmux",
  uidmap: "/usr/bin/newuidmap",
  // A kernel of its own for this architecture alone; elsewhere the guests count as skipped.
  ...(process.arch === "x64" && {
    dbus: "/usr/bin/dbus-daemon",
    systemd: "/lib/systemd/systemd",
    "user-mode-linux": "/usr/bin/linux.uml",
  }),
  "util-linux": "/usr/bin/nsenter",
  "xz-utils": "/usr/bin/xz",
  zsh: "/usr/bin/zsh",
  zstd: "/usr/bin/zstd",
};

export const missingPackages = (): string[] =>
  Object.entries(packages)
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name);
