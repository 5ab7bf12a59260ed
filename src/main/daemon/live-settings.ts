// The settings of a running daemon. Most hold until it ends; `reload` replaces those that dockerd reads again.

import type { RuntimeProgram, RuntimePrograms } from "#spec/daemon-runtimes.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";

export class LiveSettings {
  /** Always the current ones: who has this record sees a reload. */
  readonly runtimes: RuntimePrograms;
  readonly #runtimes: Record<string, RuntimeProgram>;
  #current: DaemonSettings;

  constructor(settings: DaemonSettings) {
    this.#current = settings;
    this.#runtimes = { ...settings.runtimes };
    this.runtimes = this.#runtimes;
  }

  get current(): DaemonSettings {
    return this.#current;
  }

  /** `keys`: those that the configuration file names. What it does not name stays, the limits of pulls aside: as dockerd does. */
  reload(next: DaemonSettings, keys: ReadonlySet<string>): DaemonSettings {
    const now = this.#current;
    const chosen = <T>(key: string, read: (settings: DaemonSettings) => T): T =>
      read(keys.has(key) ? next : now);
    this.#current = {
      ...now,
      authorizationPlugins: next.authorizationPlugins,
      debug: chosen("debug", ({ debug }) => debug),
      insecureRegistries: chosen("insecure-registries", ({ insecureRegistries }) => insecureRegistries),
      labels: chosen("labels", ({ labels }) => labels),
      liveRestore: chosen("live-restore", ({ liveRestore }) => liveRestore),
      maxConcurrentDownloads: next.maxConcurrentDownloads,
      maxConcurrentUploads: next.maxConcurrentUploads,
      maxDownloadAttempts: next.maxDownloadAttempts,
      registryMirrors: chosen("registry-mirrors", ({ registryMirrors }) => registryMirrors),
      runtimes: chosen("runtimes", ({ runtimes }) => runtimes),
      shutdownTimeout: chosen("shutdown-timeout", ({ shutdownTimeout }) => shutdownTimeout),
      containers: {
        ...now.containers,
        cgroupnsMode: chosen("default-cgroupns-mode", ({ containers }) => containers.cgroupnsMode),
        ipcMode: chosen("default-ipc-mode", ({ containers }) => containers.ipcMode),
        runtime: chosen("default-runtime", ({ containers }) => containers.runtime),
        stopTimeout: chosen("default-stop-timeout", ({ containers }) => containers.stopTimeout),
        ...shmSizeOf(chosen("default-shm-size", ({ containers }) => containers)),
      },
    };
    for (const name of Object.keys(this.#runtimes)) delete this.#runtimes[name];
    Object.assign(this.#runtimes, this.#current.runtimes);
    return this.#current;
  }
}

const shmSizeOf = ({ shmSize }: DaemonSettings["containers"]) => (shmSize === undefined ? {} : { shmSize });

/** The attributes of the event `reload`. */
export function describeReload(settings: DaemonSettings, hostname: string): Readonly<Record<string, string>> {
  const { containers, runtimes } = settings;
  return {
    name: hostname,
    "authorization-plugins": JSON.stringify(settings.authorizationPlugins),
    debug: String(settings.debug),
    "default-cgroupns-mode": containers.cgroupnsMode,
    "default-ipc-mode": containers.ipcMode || "private",
    "default-runtime": containers.runtime,
    "default-shm-size": String(containers.shmSize ?? 64 * 1024 ** 2),
    "default-stop-timeout": String(containers.stopTimeout),
    features: "map[]",
    "insecure-registries": JSON.stringify(settings.insecureRegistries),
    labels: JSON.stringify(settings.labels),
    "live-restore": String(settings.liveRestore),
    "max-concurrent-downloads": String(settings.maxConcurrentDownloads),
    "max-concurrent-uploads": String(settings.maxConcurrentUploads),
    "max-download-attempts": String(settings.maxDownloadAttempts),
    "registry-mirrors": JSON.stringify(settings.registryMirrors),
    runtimes: Object.entries(runtimes)
      .map(([name, { path }]) => `${name}:${path}`)
      .join(" "),
    "shutdown-timeout": String(settings.shutdownTimeout),
  };
}
