// All commands: their names, one line of help each, and where they are. A command's file is loaded when it is called.

import type { Entry, Group } from "../grammar/tree.ts";

export const groups: readonly Group[] = [
  { name: "checkpoint", about: "Manage checkpoints", usage: "COMMAND" },
  { name: "container", about: "Manage containers" },
  { name: "context", about: "Manage contexts" },
  { name: "explain", about: "Show what the engine would ask of the kernel" },
  { name: "image", about: "Manage images" },
  {
    name: "manifest",
    about: "Manage Docker image manifests and manifest lists",
    usage: "COMMAND",
  },
  { name: "network", about: "Manage networks" },
  { name: "system", about: "Manage Docker" },
  { name: "volume", about: "Manage volumes", usage: "COMMAND" },
];

/** Commands of Docker that this version of Gantry does not have; refused by name. */
export const unsupportedCommands: readonly string[] = [
  "bake",
  "build",
  "builder",
  "buildx",
  "compose",
  "config",
  "image build",
  "node",
  "plugin",
  "secret",
  "service",
  "stack",
  "swarm",
  "trust",
  "volume update",
];

/** Shown first in the help of the program. */
export const commonCommands: readonly string[] = ["run", "exec", "ps", "pull", "images", "version", "info"];

const both = (noun: string, verb: string): readonly string[] => [`${noun} ${verb}`, verb];

export const entries: readonly Entry[] = [
  {
    names: ["checkpoint create"],
    about: "Create a checkpoint from a running container",
    load: () => import("./checkpoint/create.ts"),
  },
  {
    names: ["checkpoint ls", "checkpoint list"],
    about: "List checkpoints for a container",
    load: () => import("./checkpoint/ls.ts"),
  },
  {
    names: ["checkpoint rm", "checkpoint remove"],
    about: "Remove a checkpoint",
    load: () => import("./checkpoint/rm.ts"),
  },
  {
    names: both("container", "attach"),
    about: "Attach local standard input, output, and error streams to a running container",
    load: () => import("./container/attach.ts"),
  },
  {
    names: both("container", "commit"),
    about: "Create a new image from a container's changes",
    load: () => import("./container/commit.ts"),
  },
  {
    names: both("container", "cp"),
    about: "Copy files/folders between a container and the local filesystem",
    load: () => import("./container/cp.ts"),
  },
  {
    names: both("container", "create"),
    about: "Create a new container",
    load: () => import("./container/create.ts"),
  },
  {
    names: both("container", "diff"),
    about: "Inspect changes to files or directories on a container's filesystem",
    load: () => import("./container/diff.ts"),
  },
  {
    names: both("container", "exec"),
    about: "Execute a command in a running container",
    load: () => import("./container/exec.ts"),
  },
  {
    names: both("container", "export"),
    about: "Export a container's filesystem as a tar archive",
    load: () => import("./container/export.ts"),
  },
  {
    names: ["container inspect"],
    about: "Display detailed information on one or more containers",
    load: () => import("./container/inspect.ts"),
  },
  {
    names: both("container", "kill"),
    about: "Kill one or more running containers",
    load: () => import("./container/kill.ts"),
  },
  {
    names: both("container", "logs"),
    about: "Fetch the logs of a container",
    load: () => import("./container/logs.ts"),
  },
  {
    names: ["container ls", "container list", "container ps", "ps"],
    about: "List containers",
    load: () => import("./container/ls.ts"),
  },
  {
    names: both("container", "pause"),
    about: "Pause all processes within one or more containers",
    load: () => import("./container/pause.ts"),
  },
  {
    names: both("container", "port"),
    about: "List port mappings or a specific mapping for the container",
    load: () => import("./container/port.ts"),
  },
  {
    names: ["container prune"],
    about: "Remove all stopped containers",
    load: () => import("./container/prune.ts"),
  },
  {
    names: both("container", "rename"),
    about: "Rename a container",
    load: () => import("./container/rename.ts"),
  },
  {
    names: both("container", "restart"),
    about: "Restart one or more containers",
    load: () => import("./container/restart.ts"),
  },
  {
    names: ["container rm", "container remove", "rm"],
    about: "Remove one or more containers",
    load: () => import("./container/rm.ts"),
  },
  {
    names: both("container", "run"),
    about: "Create and run a new container from an image",
    load: () => import("./container/run.ts"),
  },
  {
    names: both("container", "start"),
    about: "Start one or more stopped containers",
    load: () => import("./container/start.ts"),
  },
  {
    names: both("container", "stats"),
    about: "Display a live stream of container(s) resource usage statistics",
    load: () => import("./container/stats.ts"),
  },
  {
    names: both("container", "stop"),
    about: "Stop one or more running containers",
    load: () => import("./container/stop.ts"),
  },
  {
    names: both("container", "top"),
    about: "Display the running processes of a container",
    load: () => import("./container/top.ts"),
  },
  {
    names: both("container", "unpause"),
    about: "Unpause all processes within one or more containers",
    load: () => import("./container/unpause.ts"),
  },
  {
    names: both("container", "update"),
    about: "Update configuration of one or more containers",
    load: () => import("./container/update.ts"),
  },
  {
    names: both("container", "wait"),
    about: "Block until one or more containers stop, then print their exit codes",
    load: () => import("./container/wait.ts"),
  },
  { names: ["context create"], about: "Create a context", load: () => import("./context/create.ts") },
  {
    names: ["context export"],
    about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    load: () => import("./context/export.ts"),
  },
  {
    names: ["context import"],
    about: "Import a context from a tar or zip file",
    load: () => import("./context/import.ts"),
  },
  {
    names: ["context inspect"],
    about: "Display detailed information on one or more contexts",
    load: () => import("./context/inspect.ts"),
  },
  { names: ["context ls", "context list"], about: "List contexts", load: () => import("./context/ls.ts") },
  {
    names: ["context rm", "context remove"],
    about: "Remove one or more contexts",
    load: () => import("./context/rm.ts"),
  },
  {
    names: ["context show"],
    about: "Print the name of the current context",
    load: () => import("./context/show.ts"),
  },
  { names: ["context update"], about: "Update a context", load: () => import("./context/update.ts") },
  {
    names: ["context use"],
    about: "Set the current docker context",
    load: () => import("./context/use.ts"),
  },
  {
    names: both("image", "history"),
    about: "Show the history of an image",
    load: () => import("./image/history.ts"),
  },
  {
    names: both("image", "import"),
    about: "Import the contents from a tarball to create a filesystem image",
    load: () => import("./image/import.ts"),
  },
  {
    names: ["image inspect"],
    about: "Display detailed information on one or more images",
    load: () => import("./image/inspect.ts"),
  },
  {
    names: both("image", "load"),
    about: "Load an image from a tar archive or STDIN",
    load: () => import("./image/load.ts"),
  },
  {
    names: ["image ls", "image list", "images"],
    about: "List images",
    load: () => import("./image/ls.ts"),
  },
  { names: ["image prune"], about: "Remove unused images", load: () => import("./image/prune.ts") },
  {
    names: both("image", "pull"),
    about: "Download an image from a registry",
    load: () => import("./image/pull.ts"),
  },
  {
    names: both("image", "push"),
    about: "Upload an image to a registry",
    load: () => import("./image/push.ts"),
  },
  {
    names: ["image rm", "image remove", "rmi"],
    about: "Remove one or more images",
    load: () => import("./image/rm.ts"),
  },
  {
    names: both("image", "save"),
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    load: () => import("./image/save.ts"),
  },
  {
    names: both("image", "tag"),
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    load: () => import("./image/tag.ts"),
  },
  {
    names: ["login"],
    about: "Authenticate to a registry",
    load: () => import("./registry/login.ts"),
  },
  {
    names: ["logout"],
    about: "Log out from a registry",
    load: () => import("./registry/logout.ts"),
  },
  {
    names: ["manifest annotate"],
    about: "Add additional information to a local image manifest",
    load: () => import("./manifest/annotate.ts"),
  },
  {
    names: ["manifest create"],
    about: "Create a local manifest list for annotating and pushing to a registry",
    load: () => import("./manifest/create.ts"),
  },
  {
    names: ["manifest inspect"],
    about: "Display an image manifest, or manifest list",
    load: () => import("./manifest/inspect.ts"),
  },
  {
    names: ["manifest push"],
    about: "Push a manifest list to a repository",
    load: () => import("./manifest/push.ts"),
  },
  {
    names: ["manifest rm"],
    about: "Delete one or more manifest lists from local storage",
    load: () => import("./manifest/rm.ts"),
  },
  {
    names: ["network connect"],
    about: "Connect a container to a network",
    load: () => import("./network/connect.ts"),
  },
  { names: ["network create"], about: "Create a network", load: () => import("./network/create.ts") },
  {
    names: ["network disconnect"],
    about: "Disconnect a container from a network",
    load: () => import("./network/disconnect.ts"),
  },
  {
    names: ["network inspect"],
    about: "Display detailed information on one or more networks",
    load: () => import("./network/inspect.ts"),
  },
  { names: ["network ls", "network list"], about: "List networks", load: () => import("./network/ls.ts") },
  { names: ["network prune"], about: "Remove all unused networks", load: () => import("./network/prune.ts") },
  {
    names: ["network rm", "network remove"],
    about: "Remove one or more networks",
    load: () => import("./network/rm.ts"),
  },
  { names: ["volume create"], about: "Create a volume", load: () => import("./volume/create.ts") },
  {
    names: ["volume inspect"],
    about: "Display detailed information on one or more volumes",
    load: () => import("./volume/inspect.ts"),
  },
  { names: ["volume ls", "volume list"], about: "List volumes", load: () => import("./volume/ls.ts") },
  {
    names: ["volume export"],
    about: "Export a volume's files as a tar archive",
    load: () => import("./volume/export.ts"),
  },
  {
    names: ["volume import"],
    about: "Fill a new or empty volume from a tar archive, compressed or not",
    load: () => import("./volume/import.ts"),
  },
  {
    names: ["volume clone"],
    about: "Copy a volume to a new one; the files share their blocks where the file system can",
    load: () => import("./volume/clone.ts"),
  },
  {
    names: ["volume prune"],
    about: "Remove unused local volumes",
    load: () => import("./volume/prune.ts"),
  },
  {
    names: ["volume rm", "volume remove"],
    about: "Remove one or more volumes",
    load: () => import("./volume/rm.ts"),
  },
  {
    names: ["search"],
    about: "Search Docker Hub for images",
    load: () => import("./registry/search.ts"),
  },
  {
    names: ["system dial-stdio"],
    about: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
    hidden: true,
    load: () => import("./system/dial-stdio.ts"),
  },
  {
    names: ["system check"],
    about: "Verify the images, layers and snapshots of the daemon",
    load: () => import("./system/check.ts"),
  },
  { names: ["system df"], about: "Show docker disk usage", load: () => import("./system/df.ts") },
  {
    names: both("system", "events"),
    about: "Get real time events from the server",
    load: () => import("./system/events.ts"),
  },
  {
    names: both("system", "info"),
    about: "Display system-wide information",
    load: () => import("./system/info.ts"),
  },
  { names: ["system prune"], about: "Remove unused data", load: () => import("./system/prune.ts") },
  {
    names: ["inspect"],
    about: "Return low-level information on Docker objects",
    load: () => import("./system/inspect.ts"),
  },
  {
    names: ["version"],
    about: "Show the version information",
    load: () => import("./system/version.ts"),
  },
  {
    names: ["explain run"],
    about: "Show every system call that a run would make, and why",
    load: () => import("./explain/run.ts"),
  },
  {
    names: ["completion"],
    about: "Print what completes this program's words in a shell",
    load: () => import("./completion/completion.ts"),
  },
  {
    names: ["__complete"],
    about: "Tell a shell what may stand at the cursor",
    hidden: true,
    load: () => import("./completion/complete.ts"),
  },
  {
    names: ["demo"],
    about: "Make an image of this machine's busybox and show a container's life, without a network",
    load: () => import("./demo/demo.ts"),
  },
];
