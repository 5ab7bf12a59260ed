// The scope of a call in gRPC metadata, under containerd's names.

import type { GrpcCall } from "#transport/grpc/service-types.ts";
import { failedPrecondition } from "./failures.ts";
import { checkIdentifier } from "./identifiers.ts";
import type { Scope } from "./scope.ts";

const namespaceKey = "containerd-namespace";
const leaseKey = "containerd-lease";

export function scopeOf(call: GrpcCall): Scope {
  const namespace = call.metadata(namespaceKey) ?? "";
  if (namespace === "") throw failedPrecondition("namespace is required");
  checkIdentifier("namespace validation: ", namespace);
  const lease = call.metadata(leaseKey) ?? "";
  return lease === "" ? { namespace } : { namespace, lease };
}

const scopeMetadata = ({ namespace, lease }: Scope): Readonly<Record<string, string>> => ({
  [namespaceKey]: namespace,
  ...(lease === undefined ? {} : { [leaseKey]: lease }),
});

/** Options of a call that only needs its scope. */
export const inScope = (scope: Scope, signal?: AbortSignal) => ({
  metadata: scopeMetadata(scope),
  ...(signal === undefined ? {} : { signal }),
});
