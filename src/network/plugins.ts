// How networks reach plugins of Docker's protocol; whoever opens the controller gives it.

/** Another process, asked by POST /method with JSON both ways. */
export interface PluginCaller {
  /** Rejects with the plugin's own words, too; such an error has the `status` that it answered with. */
  call(method: string, body: unknown, signal: AbortSignal): Promise<unknown>;
}

export interface Plugins {
  /** Rejects in Docker's words if there is none of that name, or if it does not speak the interface ("NetworkDriver"). */
  get(name: string, wanted: string, signal: AbortSignal): Promise<PluginCaller>;
}
