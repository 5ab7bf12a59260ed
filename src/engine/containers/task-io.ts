// A process's standard streams, in the terms of containerd's task service.

import type { TaskIo } from "#containerd/tasks/tasks.ts";
import { logAttributes, readRotation } from "./log-config.ts";
import type { ContainerRecord } from "./record.ts";

export function containerIo(record: ContainerRecord): TaskIo {
  const { config, hostConfig, logPath } = record;
  const stdin = config.OpenStdin ? `gantry-attach:${config.StdinOnce ? "?once=1" : ""}` : "";
  return { terminal: config.Tty, stdin, stdout: `gantry-attach:${logQuery()}`, stderr: "" };

  function logQuery(): string {
    if (logPath === "") return "";
    const { maxSize, maxFiles } = readRotation(hostConfig.LogConfig.Config ?? {});
    const attrs = logAttributes(hostConfig.LogConfig, config);
    const query = new URLSearchParams({ log: logPath });
    if (maxSize > 0) query.set("max-size", String(maxSize));
    if (maxFiles > 1) query.set("max-files", String(maxFiles));
    if (attrs !== "") query.set("attrs", attrs);
    return `?${query}`;
  }
}

/** A process without log; its output goes to whoever is attached. */
export const attachIo = (terminal: boolean, stdin: boolean): TaskIo => ({
  terminal,
  stdin: stdin ? "gantry-attach:?once=1" : "",
  stdout: "gantry-attach:",
  stderr: "",
});
