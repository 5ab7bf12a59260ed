// grpc.health.v1: containerd's clients, dockerd among them, ask it before they subscribe to events again.

import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/gen/health_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { missing } from "../failures.ts";

/** `services`: full names of what is served. The server as a whole is "". */
export function serveHealth(services: readonly string[]): ServedService {
  const known = new Set(["", ...services]);
  return serve(Health, {
    check: async ({ service }) => {
      if (!known.has(service)) throw missing(`service ${service}`);
      return { status: Status.SERVING };
    },
    watch: async function* ({ service }, { signal }) {
      yield { status: known.has(service) ? Status.SERVING : Status.SERVICE_UNKNOWN };
      await aborted(signal);
    },
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
