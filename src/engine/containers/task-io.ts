// A process's standard streams, in the terms of containerd's task service.

import { formatAttachStdin, formatAttachUri } from "#containerd/tasks/task-io.ts";
import type { TaskIo } from "#containerd/tasks/tasks.ts";
import { logAttributes, readRotation } from "./log-config.ts";
import type { ContainerRecord } from "./record.ts";

/** The first process's: its shim keeps the log, if there is one, and serves those who attach. */
export function containerIo(record: ContainerRecord): TaskIo {
  const { config, hostConfig, logPath } = record;
  const log =
    logPath === ""
      ? undefined
      : {
          path: logPath,
          ...readRotation(hostConfig.LogConfig),
          attrs: logAttributes(record),
        };
  const stdin = config.StdinOnce ? "once" : "open";
  return {
    terminal: config.Tty,
    stdin: formatAttachStdin(config.OpenStdin ? stdin : "none"),
    stdout: formatAttachUri(log),
    stderr: "",
  };
}

/** A process without log; its output goes to whoever is attached. */
export const attachIo = (terminal: boolean, stdin: boolean): TaskIo => ({
  terminal,
  stdin: formatAttachStdin(stdin ? "once" : "none"),
  stdout: formatAttachUri(undefined),
  stderr: "",
});
