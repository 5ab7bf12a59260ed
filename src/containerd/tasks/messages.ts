// Tasks as containerd.services.tasks.v1 messages.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Process, type ProcessSchema, Status } from "#proto/gen/task-types_pb.ts";
import { fromTimestamp, required, toTimestamp } from "../protobuf.ts";
import type { TaskProcess, TaskStatus } from "./tasks.ts";

const statusCode: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};
const statusNames: readonly TaskStatus[] = ["unknown", "created", "running", "stopped", "paused", "pausing"];

export const encodeProcess = (process: TaskProcess): MessageInitShape<typeof ProcessSchema> => ({
  containerId: process.containerId,
  id: process.execId === "" ? process.containerId : process.execId,
  pid: process.pid,
  status: statusCode[process.status],
  ...process.io,
  exitStatus: process.exitCode,
  ...(process.exitedAt === 0 ? {} : { exitedAt: toTimestamp(process.exitedAt) }),
});

/** containerd leaves the container's id out of a process that was asked for by name. */
export function decodeProcess(message: Process | undefined, asked: string): TaskProcess {
  const process = required(message, "process");
  const containerId = process.containerId === "" ? asked : process.containerId;
  const { terminal, stdin, stdout, stderr } = process;
  return {
    containerId,
    execId: process.id === containerId ? "" : process.id,
    pid: process.pid,
    status: statusNames.find((name) => statusCode[name] === process.status) ?? "unknown",
    io: { terminal, stdin, stdout, stderr },
    exitCode: process.exitStatus,
    exitedAt: fromTimestamp(process.exitedAt),
  };
}
