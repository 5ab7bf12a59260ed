// cp, export, diff and commit, as real dockerd has them.

import { testSideBySide, type Walks } from "../system/side-by-side.ts";

const script =
  "mkdir /w; echo hi >/w/a; ln -s a /w/l; ln -s /w /wl; rm /etc/group; chmod 700 /tmp; echo v >/data/v; sleep 1000";
const out = (path: string): readonly string[] => ["cp", `box:${path}`, "/tmp/gantry-side-by-side/no/such"];

const walks: Walks = {
  "files of a container": [
    ["run", "-d", "--name", "box", "-v", "/data", "busybox", "sh", "-c", script],
    ["exec", "box", "sh", "-c", "until [ -e /data/v ]; do :; done"],
    out("/nope"),
    ["cp", "box:/nope", "-"],
    ["cp", "box:", "/tmp"],
    ["cp", "box:/w", "/dev/null"],
    ["cp", "/etc/passwd", "box:/no/such"],
    ["cp", "/nonexistent", "box:/w"],
    ["cp", "/etc/hostname", "nosuch:/w"],
    ["cp", "nosuch:/w", "-"],
    ["cp", "box:/w", "box:/x"],
    ["cp", "/x", "/y"],
    ["cp", "-", "box:/w/a"],
    ["cp", "/etc/hosts.allow", "box:/w/copied"],
    ["cp", "/etc/hosts.allow", "box:/wl"],
    ["cp", "-L", "/etc/hosts.allow", "box:/data/"],
    ["exec", "box", "ls", "-A", "/w", "/data"],
    ["stop", "-t", "0", "box"],
    ["cp", "/etc/hosts.allow", "box:/w/stopped"],
    ["commit", "-m", "hi", "-a", "me", "-c", "ENV a=b", "-c", 'CMD ["ls", "/w"]', "box", "made:v1"],
    ["image", "inspect", "-f", "{{.Author}} {{.Comment}} {{.Config.Cmd}} {{.Config.Env}}", "made:v1"],
    ["run", "--rm", "made:v1"],
    ["run", "--rm", "made:v1", "ls", "-A", "/etc/group", "/data"],
    ["commit", "-c", "RUN x", "box"],
    ["commit", "nosuch"],
    ["export", "nosuch"],
    ["diff", "nosuch"],
    ["rmi", "made:v1"],
    ["rm", "-f", "-v", "box"],
    ["create", "--name", "never", "busybox"],
    ["diff", "never"],
    ["cp", "/etc/hosts.allow", "never:/first"],
    ["diff", "never"],
    ["rm", "never"],
  ],
};

testSideBySide(walks, {
  reworded: [[/parameter: path cannot be empty/g, "parameter: pathcannot be empty"]],
});
