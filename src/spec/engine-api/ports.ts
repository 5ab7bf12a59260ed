// PublishAdd and PublishRemove: Gantry's own fields of POST /containers/{id}/update. Described in docs/networking.md.

import type { ContainerUpdateRequest, ContainerUpdateResponse, HostConfig } from "./definitions.table.ts";

type PortBindings = NonNullable<HostConfig["PortBindings"]>;

export type UpdateWithPorts = ContainerUpdateRequest & {
  readonly PublishAdd?: PortBindings;
  /** An empty HostIp or HostPort stands for any. */
  readonly PublishRemove?: PortBindings;
};

/** `PortBindings`: what is published from now on, if the request changed that. A daemon that does not know the fields does not answer so. */
export type UpdatedWithPorts = ContainerUpdateResponse & { readonly PortBindings?: PortBindings };
