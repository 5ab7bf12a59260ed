// What the layer tells about itself, as values and as containerd.events messages.

import { fromBinary } from "@bufbuild/protobuf";
import * as events from "#proto/gen/events_pb.ts";
import * as images from "#proto/gen/images_pb.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import type { AnyValue } from "../containers/containers.ts";
import { fromTimestamp, isMessage, packMessage, toTimestamp } from "../protobuf.ts";
import type { Labels } from "../scope.ts";
import type { TaskIo } from "../tasks/tasks.ts";

interface ProcessEnd {
  readonly containerId: string;
  /** The container's id for its init, else the exec's. */
  readonly id: string;
  readonly pid: number;
  readonly exitCode: number;
  /** Milliseconds since the epoch. */
  readonly exitedAt: number;
}

export type TaskEvent =
  | {
      readonly topic: "/tasks/create";
      readonly containerId: string;
      readonly bundle: string;
      readonly rootfs: readonly Mount[];
      readonly io: TaskIo;
      readonly pid: number;
    }
  | { readonly topic: "/tasks/start"; readonly containerId: string; readonly pid: number }
  | ({ readonly topic: "/tasks/exit" } & ProcessEnd)
  | ({ readonly topic: "/tasks/delete" } & ProcessEnd)
  | { readonly topic: "/tasks/exec-added"; readonly containerId: string; readonly execId: string }
  | {
      readonly topic: "/tasks/exec-started";
      readonly containerId: string;
      readonly execId: string;
      readonly pid: number;
    }
  | { readonly topic: "/tasks/checkpointed"; readonly containerId: string; readonly checkpoint: string }
  | { readonly topic: "/tasks/oom" | "/tasks/paused" | "/tasks/resumed"; readonly containerId: string };

export type ContainerdEvent =
  | TaskEvent
  | {
      readonly topic: "/containers/create";
      readonly id: string;
      readonly image: string;
      readonly runtime: string;
    }
  | {
      readonly topic: "/containers/update";
      readonly id: string;
      readonly image: string;
      readonly labels: Labels;
      readonly snapshotKey: string;
    }
  | { readonly topic: "/containers/delete"; readonly id: string }
  | { readonly topic: "/content/create"; readonly digest: string; readonly size: number }
  | { readonly topic: "/content/delete"; readonly digest: string }
  | { readonly topic: "/images/create" | "/images/update"; readonly name: string; readonly labels: Labels }
  | { readonly topic: "/images/delete"; readonly name: string }
  | {
      readonly topic: "/namespaces/create" | "/namespaces/update";
      readonly name: string;
      readonly labels: Labels;
    }
  | { readonly topic: "/namespaces/delete"; readonly name: string }
  | { readonly topic: "/snapshot/prepare"; readonly key: string; readonly parent: string }
  | { readonly topic: "/snapshot/commit"; readonly key: string; readonly name: string }
  | { readonly topic: "/snapshot/remove"; readonly key: string };

const isTaskEvent = (event: ContainerdEvent): event is TaskEvent => event.topic.startsWith("/tasks/");

export const encodeEvent = (event: ContainerdEvent): AnyValue =>
  isTaskEvent(event) ? encodeTaskEvent(event) : encodeObjectEvent(event);

function encodeTaskEvent(event: TaskEvent): AnyValue {
  switch (event.topic) {
    case "/tasks/create":
      return packMessage(events.TaskCreateSchema, {
        containerId: event.containerId,
        bundle: event.bundle,
        rootfs: event.rootfs.map((mount) => ({
          type: mount.type ?? "",
          source: mount.source ?? "",
          options: [...(mount.options ?? [])],
        })),
        io: event.io,
        pid: event.pid,
      });
    case "/tasks/start":
      return packMessage(events.TaskStartSchema, event);
    case "/tasks/exit":
      return packMessage(events.TaskExitSchema, encodeEnd(event));
    case "/tasks/delete":
      return packMessage(events.TaskDeleteSchema, encodeEnd(event));
    case "/tasks/exec-added":
      return packMessage(events.TaskExecAddedSchema, event);
    case "/tasks/exec-started":
      return packMessage(events.TaskExecStartedSchema, event);
    case "/tasks/checkpointed":
      return packMessage(events.TaskCheckpointedSchema, event);
    case "/tasks/oom":
      return packMessage(events.TaskOOMSchema, event);
    case "/tasks/paused":
      return packMessage(events.TaskPausedSchema, event);
    case "/tasks/resumed":
      return packMessage(events.TaskResumedSchema, event);
    default:
      return event satisfies never;
  }
}

const encodeEnd = ({ containerId, id, pid, exitCode, exitedAt }: ProcessEnd) => ({
  containerId,
  id,
  pid,
  exitStatus: exitCode,
  exitedAt: toTimestamp(exitedAt),
});

function encodeObjectEvent(event: Exclude<ContainerdEvent, TaskEvent>): AnyValue {
  switch (event.topic) {
    case "/containers/create":
      return packMessage(events.ContainerCreateSchema, { ...event, runtime: { name: event.runtime } });
    case "/containers/update":
      return packMessage(events.ContainerUpdateSchema, event);
    case "/containers/delete":
      return packMessage(events.ContainerDeleteSchema, event);
    case "/content/create":
      return packMessage(events.ContentCreateSchema, { ...event, size: BigInt(event.size) });
    case "/content/delete":
      return packMessage(events.ContentDeleteSchema, event);
    case "/images/create":
      return packMessage(images.ImageCreateSchema, event);
    case "/images/update":
      return packMessage(images.ImageUpdateSchema, event);
    case "/images/delete":
      return packMessage(images.ImageDeleteSchema, event);
    case "/namespaces/create":
      return packMessage(events.NamespaceCreateSchema, event);
    case "/namespaces/update":
      return packMessage(events.NamespaceUpdateSchema, event);
    case "/namespaces/delete":
      return packMessage(events.NamespaceDeleteSchema, event);
    case "/snapshot/prepare":
      return packMessage(events.SnapshotPrepareSchema, event);
    case "/snapshot/commit":
      return packMessage(events.SnapshotCommitSchema, event);
    case "/snapshot/remove":
      return packMessage(events.SnapshotRemoveSchema, event);
    default:
      return event satisfies never;
  }
}

/** The end of a process, from its "/tasks/exit" message; undefined for any other message. */
export function decodeTaskExit(event: AnyValue): ProcessEnd | undefined {
  if (!isMessage(event, events.TaskExitSchema)) return undefined;
  const { containerId, id, pid, exitStatus, exitedAt } = fromBinary(events.TaskExitSchema, event.value);
  return { containerId, id, pid, exitCode: exitStatus, exitedAt: fromTimestamp(exitedAt) };
}

/** The container whose processes ran out of memory, from a "/tasks/oom" message. */
export const decodeTaskOom = (event: AnyValue): string | undefined =>
  isMessage(event, events.TaskOOMSchema)
    ? fromBinary(events.TaskOOMSchema, event.value).containerId
    : undefined;
