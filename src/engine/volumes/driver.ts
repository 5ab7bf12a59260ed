// What keeps the data of volumes: the engine itself, or a plugin.

/** A volume as its driver knows it. */
export interface DriverVolume {
  readonly name: string;
  /** Where its data is on the host; "": the driver tells when it is mounted. */
  readonly mountpoint: string;
  /** RFC 3339; "": not known. */
  readonly createdAt: string;
  /** What a plugin tells besides. */
  readonly status?: Readonly<Record<string, unknown>>;
}

export type VolumeScope = "local" | "global";

/** Of one name there is one call at a time. */
export interface VolumeDriver {
  readonly name: string;
  scope(signal: AbortSignal): Promise<VolumeScope>;
  create(name: string, options: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  /** undefined: it has none of that name. Rejects if that cannot be known. */
  get(name: string, signal: AbortSignal): Promise<DriverVolume | undefined>;
  list(signal: AbortSignal): Promise<readonly DriverVolume[]>;
  /** Takes the data away. */
  remove(name: string): Promise<void>;
  /** Makes the data usable for `user`; resolves with its directory on the host. */
  mount(name: string, user: string): Promise<string>;
  /** `user` needs it no more; `last`: nobody does. */
  unmount(name: string, user: string, last: boolean): Promise<void>;
}
