// Options and verbs of containers, as real dockerd has them.

import { testSideBySide, type Walks } from "../system/side-by-side.ts";

const shell = (script: string, ...options: string[]): readonly string[] => [
  ...["run", "--rm", ...options, "busybox", "sh", "-c", script],
];

const walks: Walks = {
  "links on the default bridge": [
    [
      "run",
      "-d",
      "--name",
      "db",
      "--expose",
      "5432",
      "-e",
      "PW=x",
      "-h",
      "dbhost",
      "busybox",
      "sleep",
      "1000",
    ],
    ["run", "-d", "--name", "web", "--link", "db:data", "busybox", "sleep", "1000"],
    ["exec", "web", "sh", "-c", "env | grep ^DATA | sort; cat /etc/hosts"],
    ["inspect", "-f", "{{.HostConfig.Links}}", "web"],
    ["ps", "--no-trunc", "--format", "{{.Names}}"],
    ["inspect", "-f", "{{.Name}}", "web/data"],
    ["restart", "-t", "0", "db"],
    ["exec", "web", "cat", "/etc/hosts"],
    ["rename", "db", "db2"],
    ["inspect", "-f", "{{.HostConfig.Links}}", "web"],
    ["rm", "--link", "web"],
    ["rm", "--link", "web/data"],
    ["inspect", "-f", "{{.HostConfig.Links}}", "web"],
    ["create", "--name", "late", "--link", "web", "busybox"],
    ["stop", "-t", "0", "web"],
    ["start", "late"],
    ["run", "--link", "nosuch", "busybox"],
    ["run", "--network", "host", "--link", "db2", "busybox"],
    ["rm", "-f", "web", "db2", "late"],
  ],
  mounts: [
    ["run", "--rm", "-v", "/:/host:rprivate", "busybox"],
    ["create", "--name", "root", "-v", "/:/host", "-v", "data:/d:ro", "--tmpfs", "/t", "busybox", "true"],
    ["inspect", "-f", "{{range .Mounts}}{{.Type}} {{.Mode}} {{.RW}} {{.Propagation}};{{end}}", "root"],
    shell("touch /d/x", "--volumes-from", "root"),
    shell("true", "--volumes-from", "root:nocopy"),
    shell("true", "--volumes-from", "nosuch"),
    shell("true", "--volumes-from", ""),
    shell(
      "grep ' /m ' /proc/mounts; stat -c %a /m",
      "--mount",
      "type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=0700",
    ),
    shell("true", "--tmpfs", "/t:foo=1"),
    shell("true", "--mount", "type=bind,src=/nosuch,dst=/m"),
    shell("true", "--mount", "type=bind,src=/tmp,dst=/m,bind-propagation=rshared"),
    shell("true", "-v", "/tmp:/m", "--tmpfs", "/m"),
    shell(
      "df /m | tail -n 1",
      "--mount",
      "type=volume,src=t,dst=/m,volume-opt=type=tmpfs,volume-opt=device=t,volume-opt=o=size=1m",
    ),
    ["rm", "root"],
    ["volume", "rm", "data", "t"],
  ],
  "whose namespaces": [
    ["run", "-d", "--name", "donor", "--ipc", "shareable", "--shm-size", "2m", "busybox", "sleep", "1000"],
    shell("grep shm /proc/mounts; echo kept >/dev/shm/f", "--ipc", "container:donor"),
    ["exec", "donor", "cat", "/dev/shm/f"],
    shell("ls /proc/1; cat /proc/1/comm", "--pid", "container:donor"),
    shell("exit 4", "--init"),
    ["inspect", "-f", "{{.HostConfig.IpcMode}}", "donor"],
    ["create", "--ipc", "container:nosuch", "busybox"],
    ["create", "--pid", "container:nosuch", "busybox"],
    ["rm", "-f", "donor"],
  ],
};

testSideBySide(walks, { clients: ["docker"] });
