// What dockerd lays between an image and a container (/.dockerenv, empty places for mounts), here and there: in archives, in the container, and
// not among its changes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Client } from "../system/engine.ts";
import { type Pair, startPair } from "../system/pair.ts";

const skip = process.getuid?.() !== 0 && "needs root";
let pair: Pair;

before(async () => {
  if (!skip) pair = await startPair();
});
after(() => pair?.[Symbol.asyncDispose]());

const list = "tar --numeric-owner -tvf - | grep -v ' bin/.' | sort -k 6";
/** An archive that puts things of its own where the engine's are. */
const own = `D=$(mktemp -d); mkdir -p $D/t/etc $D/t/dev; chmod 700 $D/t/etc; echo mine >$D/t/etc/hosts; echo c >$D/t/dev/console
  ln -s /nowhere $D/t/etc/mtab; ln -s /elsewhere $D/t/etc/resolv.conf; tar c --owner 0 --group 0 -C $D/t .; rm -r $D`;

/** Shell scripts, one container's name in each. */
const scripts: Readonly<Record<string, string>> = {
  "a container that was created only": `docker create --name made busybox true
    docker export made | ${list}; docker diff made; docker ps -a --size --filter name=made --format '{{.Size}}'
    docker cp made:/etc - | ${list}; docker cp made:/dev - | ${list}; docker cp made:/.dockerenv - | ${list}`,
  "one that ran": `docker run --network none --name ran busybox ls -l /.dockerenv /etc/mtab | cut -c 1-10
    docker export ran | ${list}; docker diff ran; docker ps -a --size --filter name=ran --format '{{.Size}}'`,
  "one that runs": `docker run --network none -d --name runs busybox sleep 1000; docker export runs | ${list}
    docker diff runs; docker rm -f runs`,
  "one with a read-only root file system": `docker run --network none --read-only --name fixed busybox ls -l /.dockerenv | cut -c 1-10
    docker diff fixed`,
  "an image of an unchanged one": `docker create --name same busybox true; docker commit same image >/dev/null
    docker inspect -f '{{len .RootFS.Layers}} {{.Size}}' image busybox`,
  "what an image has in these places": `docker create --name base busybox true; (${own}) | docker cp - base:/
    docker diff base | sort; docker commit base images >/dev/null; docker create --name over images true
    docker export over | ${list}; docker diff over; docker cp -L over:/etc/hosts - | ${list}`,
  "an image with nothing": `tar c --files-from /dev/null | docker import - empty >/dev/null; docker create --name none empty true
    docker export none | ${list}; docker diff none`,
};

async function tell(client: Client, script: string): Promise<string> {
  const { stdout, stderr } = await client.tryDocker(["-c", script], { program: "sh" });
  return `${stdout}${stderr}`
    .replaceAll(/[0-9a-f]{64}/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "TIME")
    .replaceAll(/ +/g, " ");
}

for (const [title, script] of Object.entries(scripts))
  test(`as with dockerd: ${title}`, { skip }, async () => {
    const [our, their] = await Promise.all([tell(pair.ours, script), tell(pair.theirs, script)]);
    assert.equal(our, their);
    assert.doesNotMatch(our, /error/i);
  });
