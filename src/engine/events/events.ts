// Docker's events: what happened to which object. Published after the change is saved.

export const eventTypes = ["container", "image", "volume", "network", "daemon", "builder", "plugin"] as const;
export type EventType = (typeof eventTypes)[number];

export interface EngineEvent {
  readonly type: EventType;
  readonly action: string;
  readonly actorId: string;
  /** Docker's attributes of reference/events.tsv: labels, image, name, … */
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch. */
  readonly timeNano: bigint;
}

export interface EventBus {
  publish(event: Omit<EngineEvent, "timeNano">): void;
  /** Past events (bounded backlog) since `since`, then live ones until `until` or the signal. Times in nanoseconds. */
  watch(
    range: { readonly since?: bigint; readonly until?: bigint },
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent>;
}
