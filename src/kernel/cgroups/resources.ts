// Limits of a cgroup, in the field names of the OCI runtime specification (this layer may not import it).

export interface CgroupResources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
    readonly useHierarchy?: boolean;
    /** An update below what is used now is refused instead of killing processes. */
    readonly checkBeforeUpdate?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly burst?: number;
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
    readonly idle?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: {
    readonly weight?: number;
    readonly leafWeight?: number;
    readonly weightDevice?: readonly (DeviceNumber & {
      readonly weight?: number;
      readonly leafWeight?: number;
    })[];
    readonly throttleReadBpsDevice?: readonly DeviceRate[];
    readonly throttleWriteBpsDevice?: readonly DeviceRate[];
    readonly throttleReadIOPSDevice?: readonly DeviceRate[];
    readonly throttleWriteIOPSDevice?: readonly DeviceRate[];
  };
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  /** By the name of the device. */
  readonly rdma?: Readonly<Record<string, RdmaLimit>>;
  readonly unified?: Readonly<Record<string, string>>;
}

export interface DeviceRule {
  readonly allow: boolean;
  /** "c", "b", or "a" (also when missing) for every device. */
  readonly type?: string;
  /** Missing or -1 is any. */
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

export interface RdmaLimit {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}

export interface DeviceRate extends DeviceNumber {
  readonly rate: number;
}

/** One value for one file of a cgroup directory. */
export interface CgroupSetting {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** What a kernel without the file does anyway: its absence is success. */
  readonly optional?: boolean;
  /** The kernel may refuse it until a later setting of the list, which is followed by the same once more. */
  readonly repeated?: boolean;
}
