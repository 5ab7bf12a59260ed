import type { AnyValue } from "../containers/containers.ts";
import type { Scope } from "../scope.ts";

/** topic: "/tasks/exit" etc.; event: containerd.events.* message. */
export interface Envelope {
  readonly timestamp: Date;
  readonly namespace: string;
  readonly topic: string;
  readonly event: AnyValue;
}

export interface EventExchange {
  publish(scope: Scope, topic: string, event: AnyValue): Promise<void>;
  /** Everything published from the call on; filters are containerd's, any of them may match. */
  subscribe(filters: readonly string[], signal: AbortSignal): AsyncIterable<Envelope>;
}
