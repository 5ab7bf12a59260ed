// The Debian packages that the tests need, each with a file that tells whether it is there.

import { existsSync } from "node:fs";

const packages: Readonly<Record<string, string>> = {
  "apache2-utils": "/usr/bin/htpasswd",
  attr: "/usr/bin/getfattr",
  "busybox-static": "/bin/busybox",
  containerd: "/usr/bin/ctr",
  curl: "/usr/bin/curl",
  "docker-registry": "/usr/bin/docker-registry",
  "docker.io": "/usr/sbin/dockerd",
  iproute2: "/bin/ip",
  iptables: "/usr/sbin/iptables",
  nftables: "/usr/sbin/nft",
  "nginx-light": "/usr/sbin/nginx",
  openssl: "/usr/bin/openssl",
  procps: "/bin/ps",
  "python3-minimal": "/usr/bin/python3",
  runc: "/usr/sbin/runc",
  skopeo: "/usr/bin/skopeo",
  strace: "/usr/bin/strace",
  tmux: "/usr/bin/tmux",
  "util-linux": "/usr/bin/nsenter",
  zstd: "/usr/bin/zstd",
};

export const missingPackages = (): string[] =>
  Object.entries(packages)
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name);
