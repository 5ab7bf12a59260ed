// A volume plugin of Docker's protocol in a process of its own, as a user would run one.
//   node plugin-process.ts ADDRESS DIRECTORY     ADDRESS: path of a unix socket, or a port of 127.0.0.1
// Volumes are directories below DIRECTORY. What it is asked is printed, a line each. Names decide how it behaves:
//   hang…   it does not answer until a file "go" is in DIRECTORY
//   lie…    what it says of the volume's place is no absolute path
//   die…    it ends when the volume is to be mounted
//   junk…   its answer to Mount is no JSON
//   flood…  its answer to Mount does not end
//   refuse… it says no to everything
//   slow…   exists, and its removal is refused

import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

const [address = "", directory = ""] = process.argv.slice(2);
const placeOf = (name: string): string => join(directory, "volumes", name);
const volumeOf = (name: string) => ({
  Name: name,
  Mountpoint: placeOf(name),
  CreatedAt: "2020-02-02T02:02:02Z",
  Status: { kind: "directory" },
});

function mount(name: string, answer: ServerResponse): unknown {
  if (name.startsWith("die")) process.exit(3);
  if (name.startsWith("junk")) return void answer.end("<html>");
  if (name.startsWith("flood")) {
    let isWanted = true;
    answer.on("close", () => {
      isWanted = false;
    });
    const pour = (): void =>
      void (isWanted && answer.write(Buffer.alloc(1 << 20, "x"), () => setImmediate(pour)));
    return pour();
  }
  return { Mountpoint: name.startsWith("lie") ? "etc/../" : placeOf(name) };
}

const verbs: Readonly<Record<string, (name: string, answer: ServerResponse) => unknown>> = {
  "Plugin.Activate": () => ({ Implements: ["VolumeDriver"] }),
  "VolumeDriver.Capabilities": () => ({ Capabilities: { Scope: "global" } }),
  "VolumeDriver.Create": (name) => {
    mkdirSync(placeOf(name), { recursive: true });
    return {};
  },
  "VolumeDriver.Get": (name) =>
    existsSync(placeOf(name)) ? { Volume: volumeOf(name) } : { Err: "no such volume" },
  "VolumeDriver.List": () => ({ Volumes: readdirSync(join(directory, "volumes")).map(volumeOf) }),
  "VolumeDriver.Path": (name) => ({ Mountpoint: placeOf(name) }),
  "VolumeDriver.Mount": mount,
  "VolumeDriver.Unmount": () => ({}),
  "VolumeDriver.Remove": (name) => {
    if (name.startsWith("slow")) return { Err: "it is busy" };
    rmSync(placeOf(name), { recursive: true });
    return {};
  },
};

async function serve(url: string, body: string, answer: ServerResponse): Promise<void> {
  const { Name = "", ID = "" } = body === "" ? {} : JSON.parse(body);
  const verb = url.slice(1);
  process.stdout.write(`${verb} ${Name} ${ID}\n`);
  const isUnanswered = (): boolean => Name.startsWith("hang") && !existsSync(join(directory, "go"));
  while (isUnanswered() && verb !== "VolumeDriver.Get") await delay(20);
  if (Name.startsWith("refuse") && verb !== "VolumeDriver.Get") {
    answer.statusCode = 500;
    answer.end(JSON.stringify({ Err: "not today" }));
    return;
  }
  const value = verbs[verb]?.(Name, answer);
  if (value !== undefined) answer.end(JSON.stringify(value));
}

mkdirSync(join(directory, "volumes"), { recursive: true });
const server = createServer((request, answer) => {
  void text(request).then((body) => serve(request.url ?? "", body, answer));
});
const ready = (): void => void process.stdout.write("ready\n");
if (/^\d+$/.test(address)) server.listen(Number(address), "127.0.0.1", ready);
else server.listen(address, ready);
