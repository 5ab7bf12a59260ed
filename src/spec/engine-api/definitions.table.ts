// The Engine API's objects in their wire spelling, written by tools/gen-engine-api.ts. Do not edit.

export interface Address {
  readonly Addr?: string;
  readonly PrefixLen?: number;
}

export interface AttestationStatement {
  readonly Descriptor: OCIDescriptor;
  readonly PredicateType: string;
  readonly Statement?: Readonly<Record<string, unknown>> | null;
}

export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  readonly serveraddress?: string;
}

export interface AuthResponse {
  readonly Status: string;
  readonly IdentityToken?: string;
}

export interface BuildCache {
  readonly ID?: string;
  readonly Parents?: readonly string[] | null;
  readonly Type?: string;
  readonly Description?: string;
  readonly InUse?: boolean;
  readonly Shared?: boolean;
  readonly Size?: number;
  readonly CreatedAt?: string;
  readonly LastUsedAt?: string | null;
  readonly UsageCount?: number;
}

export interface BuildCacheDiskUsage {
  readonly ActiveCount?: number;
  readonly TotalCount?: number;
  readonly Reclaimable?: number;
  readonly TotalSize?: number;
  readonly Items?: readonly unknown[];
}

export interface BuildIdentity {
  readonly Ref?: string;
  readonly CreatedAt?: string;
}

export interface BuildInfo {
  readonly id?: string;
  readonly stream?: string;
  readonly errorDetail?: ErrorDetail;
  readonly status?: string;
  readonly progressDetail?: ProgressDetail;
  readonly aux?: ImageID;
}

export type ChangeType = number;

export interface ClusterInfo {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: SwarmSpec;
  readonly TLSInfo?: TLSInfo;
  readonly RootRotationInProgress?: boolean;
  readonly DataPathPort?: number;
  readonly DefaultAddrPool?: readonly string[];
  readonly SubnetSize?: number;
}

export interface ClusterVolume {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: ClusterVolumeSpec;
  readonly Info?: {
    readonly CapacityBytes?: number;
    readonly VolumeContext?: Readonly<Record<string, string>>;
    readonly VolumeID?: string;
    readonly AccessibleTopology?: readonly Topology[];
  };
  readonly PublishStatus?: readonly {
    readonly NodeID?: string;
    readonly State?: string;
    readonly PublishContext?: Readonly<Record<string, string>>;
  }[];
}

export interface ClusterVolumeSpec {
  readonly Group?: string;
  readonly AccessMode?: {
    readonly Scope?: string;
    readonly Sharing?: string;
    readonly MountVolume?: Readonly<Record<string, unknown>>;
    readonly Secrets?: readonly { readonly Key?: string; readonly Secret?: string }[];
    readonly AccessibilityRequirements?: {
      readonly Requisite?: readonly Topology[];
      readonly Preferred?: readonly Topology[];
    };
    readonly CapacityRange?: { readonly RequiredBytes?: number; readonly LimitBytes?: number };
    readonly Availability?: string;
  };
}

export interface Commit {
  readonly ID?: string;
}

export interface Config {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: ConfigSpec;
}

export type ConfigCreateRequest = ConfigSpec;

export interface ConfigReference {
  readonly Network?: string;
}

export interface ConfigSpec {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Data?: string;
  readonly Templating?: Driver;
}

export interface ContainerBlkioStatEntry {
  readonly major?: number;
  readonly minor?: number;
  readonly op?: string;
  readonly value?: number;
}

export interface ContainerBlkioStats {
  readonly io_service_bytes_recursive?: readonly ContainerBlkioStatEntry[];
  readonly io_serviced_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly io_queue_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly io_service_time_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly io_wait_time_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly io_merged_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly io_time_recursive?: readonly ContainerBlkioStatEntry[] | null;
  readonly sectors_recursive?: readonly ContainerBlkioStatEntry[] | null;
}

export interface ContainerCPUStats {
  readonly cpu_usage?: ContainerCPUUsage;
  readonly system_cpu_usage?: number | null;
  readonly online_cpus?: number | null;
  readonly throttling_data?: ContainerThrottlingData;
}

export interface ContainerCPUUsage {
  readonly total_usage?: number;
  readonly percpu_usage?: readonly number[] | null;
  readonly usage_in_kernelmode?: number;
  readonly usage_in_usermode?: number;
}

export interface ContainerConfig {
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly StdinOnce?: boolean;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Healthcheck?: HealthConfig;
  readonly ArgsEscaped?: boolean | null;
  readonly Image?: string;
  readonly Volumes?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly WorkingDir?: string;
  readonly Entrypoint?: readonly string[];
  readonly NetworkDisabled?: boolean | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string | null;
  readonly StopTimeout?: number | null;
  readonly Shell?: readonly string[] | null;
  readonly MacAddress?: string;
}

export interface ContainerCreateRequest extends ContainerConfig {
  readonly HostConfig?: HostConfig;
  readonly NetworkingConfig?: NetworkingConfig;
}

export interface ContainerCreateResponse {
  readonly Id: string;
  readonly Warnings: readonly string[];
}

export interface ContainerExecRequest {
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly ConsoleSize?: readonly number[] | null;
  readonly DetachKeys?: string;
  readonly Tty?: boolean;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Privileged?: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
}

export interface ContainerInspectResponse {
  readonly Id?: string;
  readonly Created?: string | null;
  readonly Path?: string;
  readonly Args?: readonly string[];
  readonly State?: ContainerState;
  readonly Image?: string;
  readonly ResolvConfPath?: string;
  readonly HostnamePath?: string;
  readonly HostsPath?: string;
  readonly LogPath?: string | null;
  readonly Name?: string;
  readonly RestartCount?: number;
  readonly Driver?: string;
  readonly Platform?: string;
  readonly ImageManifestDescriptor?: OCIDescriptor;
  readonly MountLabel?: string;
  readonly ProcessLabel?: string;
  readonly AppArmorProfile?: string;
  readonly ExecIDs?: readonly string[] | null;
  readonly HostConfig?: HostConfig;
  readonly GraphDriver?: DriverData | null;
  readonly Storage?: Storage | null;
  readonly SizeRw?: number | null;
  readonly SizeRootFs?: number | null;
  readonly Mounts?: readonly MountPoint[];
  readonly Config?: ContainerConfig;
  readonly NetworkSettings?: NetworkSettings;
}

export interface ContainerMemoryStats {
  readonly usage?: number | null;
  readonly max_usage?: number | null;
  readonly stats?: Readonly<Record<string, number | null>>;
  readonly failcnt?: number | null;
  readonly limit?: number | null;
  readonly commitbytes?: number | null;
  readonly commitpeakbytes?: number | null;
  readonly privateworkingset?: number | null;
}

export interface ContainerNetworkStats {
  readonly rx_bytes?: number;
  readonly rx_packets?: number;
  readonly rx_errors?: number;
  readonly rx_dropped?: number;
  readonly tx_bytes?: number;
  readonly tx_packets?: number;
  readonly tx_errors?: number;
  readonly tx_dropped?: number;
  readonly endpoint_id?: string | null;
  readonly instance_id?: string | null;
}

export interface ContainerPidsStats {
  readonly current?: number | null;
  readonly limit?: number | null;
}

export interface ContainerState {
  readonly Status?: string;
  readonly Running?: boolean;
  readonly Paused?: boolean;
  readonly Restarting?: boolean;
  readonly OOMKilled?: boolean;
  readonly Dead?: boolean;
  readonly Pid?: number;
  readonly ExitCode?: number;
  readonly Error?: string;
  readonly StartedAt?: string;
  readonly FinishedAt?: string;
  readonly Health?: Health;
}

export interface ContainerStatsResponse {
  readonly id?: string | null;
  readonly name?: string | null;
  readonly os_type?: string | null;
  readonly read?: string;
  readonly cpu_stats?: ContainerCPUStats;
  readonly memory_stats?: ContainerMemoryStats;
  readonly networks?: Readonly<Record<string, ContainerNetworkStats>> | null;
  readonly pids_stats?: ContainerPidsStats;
  readonly blkio_stats?: ContainerBlkioStats;
  readonly num_procs?: number;
  readonly storage_stats?: ContainerStorageStats;
  readonly preread?: string;
  readonly precpu_stats?: ContainerCPUStats;
}

export interface ContainerStatus {
  readonly ContainerID?: string;
  readonly PID?: number;
  readonly ExitCode?: number;
}

export interface ContainerStorageStats {
  readonly read_count_normalized?: number | null;
  readonly read_size_bytes?: number | null;
  readonly write_count_normalized?: number | null;
  readonly write_size_bytes?: number | null;
}

export interface ContainerSummary {
  readonly Id?: string;
  readonly Names?: readonly string[];
  readonly Image?: string;
  readonly ImageID?: string;
  readonly ImageManifestDescriptor?: OCIDescriptor | null;
  readonly Command?: string;
  readonly Created?: number;
  readonly Ports?: readonly PortSummary[];
  readonly SizeRw?: number | null;
  readonly SizeRootFs?: number | null;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly State?: string;
  readonly Status?: string;
  readonly HostConfig?: {
    readonly NetworkMode?: string;
    readonly Annotations?: Readonly<Record<string, string>> | null;
  };
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, EndpointSettings>> };
  readonly Mounts?: readonly MountPoint[];
  readonly Health?: { readonly Status?: string; readonly FailingStreak?: number };
}

export interface ContainerThrottlingData {
  readonly periods?: number;
  readonly throttled_periods?: number;
  readonly throttled_time?: number;
}

export interface ContainerTopResponse {
  readonly Titles?: readonly string[];
  readonly Processes?: readonly (readonly string[])[];
}

export interface ContainerUpdateRequest extends Resources {
  readonly RestartPolicy?: RestartPolicy;
}

export interface ContainerUpdateResponse {
  readonly Warnings?: readonly string[];
}

export interface ContainerWaitExitError {
  readonly Message?: string;
}

export interface ContainerWaitResponse {
  readonly StatusCode: number;
  readonly Error?: ContainerWaitExitError;
}

export interface ContainerdInfo {
  readonly Address?: string;
  readonly Namespaces?: { readonly Containers?: string; readonly Plugins?: string };
}

export interface ContainersDiskUsage {
  readonly ActiveCount?: number;
  readonly TotalCount?: number;
  readonly Reclaimable?: number;
  readonly TotalSize?: number;
  readonly Items?: readonly unknown[];
}

export interface CreateImageInfo {
  readonly id?: string;
  readonly errorDetail?: ErrorDetail;
  readonly status?: string;
  readonly progressDetail?: ProgressDetail;
}

export interface DeviceInfo {
  readonly Source?: string;
  readonly ID?: string;
}

export interface DeviceMapping {
  readonly PathOnHost?: string;
  readonly PathInContainer?: string;
  readonly CgroupPermissions?: string;
}

export interface DeviceRequest {
  readonly Driver?: string;
  readonly Count?: number;
  readonly DeviceIDs?: readonly string[];
  readonly Capabilities?: readonly (readonly string[])[];
  readonly Options?: Readonly<Record<string, string>>;
}

export interface DistributionInspect {
  readonly Descriptor: OCIDescriptor;
  readonly Platforms: readonly OCIPlatform[];
}

export interface Driver {
  readonly Name: string;
  readonly Options?: Readonly<Record<string, string>>;
}

export interface DriverData {
  readonly Name: string;
  readonly Data: Readonly<Record<string, string>>;
}

export interface EndpointIPAMConfig {
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
  readonly LinkLocalIPs?: readonly string[];
}

export interface EndpointPortConfig {
  readonly Name?: string;
  readonly Protocol?: string;
  readonly TargetPort?: number;
  readonly PublishedPort?: number;
  readonly PublishMode?: string;
}

export interface EndpointResource {
  readonly Name?: string;
  readonly EndpointID?: string;
  readonly MacAddress?: string;
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
}

export interface EndpointSettings {
  readonly IPAMConfig?: EndpointIPAMConfig;
  readonly Links?: readonly string[];
  readonly MacAddress?: string;
  readonly Aliases?: readonly string[];
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number;
  readonly NetworkID?: string;
  readonly EndpointID?: string;
  readonly Gateway?: string;
  readonly IPAddress?: string;
  readonly IPPrefixLen?: number;
  readonly IPv6Gateway?: string;
  readonly GlobalIPv6Address?: string;
  readonly GlobalIPv6PrefixLen?: number;
  readonly DNSNames?: readonly string[];
}

export interface EndpointSpec {
  readonly Mode?: string;
  readonly Ports?: readonly EndpointPortConfig[];
}

export interface EngineDescription {
  readonly EngineVersion?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Plugins?: readonly { readonly Type?: string; readonly Name?: string }[];
}

export interface ErrorDetail {
  readonly code?: number;
  readonly message?: string;
}

export interface ErrorResponse {
  readonly message: string;
}

export interface EventActor {
  readonly ID?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}

export interface EventMessage {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: EventActor;
  readonly scope?: string;
  readonly time?: number;
  readonly timeNano?: number;
}

export interface ExecStartRequest {
  readonly Detach?: boolean;
  readonly Tty?: boolean;
  readonly ConsoleSize?: readonly number[] | null;
}

export interface FilesystemChange {
  readonly Path: string;
  readonly Kind: ChangeType;
}

export interface FirewallInfo {
  readonly Driver?: string;
  readonly Info?: readonly (readonly string[])[];
}

export type GenericResources = readonly {
  readonly NamedResourceSpec?: { readonly Kind?: string; readonly Value?: string };
  readonly DiscreteResourceSpec?: { readonly Kind?: string; readonly Value?: number };
}[];

export interface Health {
  readonly Status?: string;
  readonly FailingStreak?: number;
  readonly Log?: readonly HealthcheckResult[];
}

export interface HealthConfig {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly Retries?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
}

export interface HealthcheckResult {
  readonly Start?: string;
  readonly End?: string;
  readonly ExitCode?: number;
  readonly Output?: string;
}

export interface HostConfig extends Resources {
  readonly Binds?: readonly string[];
  readonly ContainerIDFile?: string;
  readonly LogConfig?: { readonly Type?: string; readonly Config?: Readonly<Record<string, string>> };
  readonly NetworkMode?: string;
  readonly PortBindings?: PortMap;
  readonly RestartPolicy?: RestartPolicy;
  readonly AutoRemove?: boolean;
  readonly VolumeDriver?: string;
  readonly VolumesFrom?: readonly string[];
  readonly Mounts?: readonly Mount[];
  readonly ConsoleSize?: readonly number[] | null;
  readonly Annotations?: Readonly<Record<string, string>>;
  readonly CapAdd?: readonly string[];
  readonly CapDrop?: readonly string[];
  readonly CgroupnsMode?: string;
  readonly Dns?: readonly string[];
  readonly DnsOptions?: readonly string[];
  readonly DnsSearch?: readonly string[];
  readonly ExtraHosts?: readonly string[];
  readonly GroupAdd?: readonly string[];
  readonly IpcMode?: string;
  readonly Cgroup?: string;
  readonly Links?: readonly string[];
  readonly OomScoreAdj?: number;
  readonly PidMode?: string;
  readonly Privileged?: boolean;
  readonly PublishAllPorts?: boolean;
  readonly ReadonlyRootfs?: boolean;
  readonly SecurityOpt?: readonly string[];
  readonly StorageOpt?: Readonly<Record<string, string>>;
  readonly Tmpfs?: Readonly<Record<string, string>>;
  readonly UTSMode?: string;
  readonly UsernsMode?: string;
  readonly ShmSize?: number;
  readonly Sysctls?: Readonly<Record<string, string>> | null;
  readonly Runtime?: string | null;
  readonly Isolation?: string;
  readonly MaskedPaths?: readonly string[];
  readonly ReadonlyPaths?: readonly string[];
}

export interface IDResponse {
  readonly Id: string;
}

export interface IPAM {
  readonly Driver?: string;
  readonly Config?: readonly IPAMConfig[];
  readonly Options?: Readonly<Record<string, string>>;
}

export interface IPAMConfig {
  readonly Subnet?: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
}

export interface IPAMStatus {
  readonly Subnets?: Readonly<Record<string, SubnetStatus>>;
}

export interface Identity {
  readonly Signature?: readonly SignatureIdentity[];
  readonly Pull?: readonly PullIdentity[];
  readonly Build?: readonly BuildIdentity[];
}

export interface ImageConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Healthcheck?: HealthConfig;
  readonly ArgsEscaped?: boolean | null;
  readonly Volumes?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly WorkingDir?: string;
  readonly Entrypoint?: readonly string[];
  readonly OnBuild?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string | null;
  readonly Shell?: readonly string[] | null;
}

export interface ImageDeleteResponseItem {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

export interface ImageHistoryResponseItem {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[];
  readonly Size: number;
  readonly Comment: string;
}

export interface ImageID {
  readonly ID?: string;
}

export interface ImageInspect {
  readonly Id?: string;
  readonly Descriptor?: OCIDescriptor | null;
  readonly Manifests?: readonly ImageManifestSummary[] | null;
  readonly Identity?: Identity | null;
  readonly RepoTags?: readonly string[];
  readonly RepoDigests?: readonly string[];
  readonly Comment?: string | null;
  readonly Created?: string | null;
  readonly Author?: string | null;
  readonly Config?: ImageConfig;
  readonly Architecture?: string;
  readonly Variant?: string | null;
  readonly Os?: string;
  readonly OsVersion?: string | null;
  readonly Size?: number;
  readonly GraphDriver?: DriverData | null;
  readonly RootFS?: { readonly Type: string; readonly Layers?: readonly string[] };
  readonly Metadata?: { readonly LastTagTime?: string | null };
}

export interface ImageManifestSummary {
  readonly ID: string;
  readonly Descriptor: OCIDescriptor;
  readonly Available: boolean;
  readonly Size: { readonly Total: number; readonly Content: number };
  readonly Kind: string;
  readonly ImageData?: {
    readonly Platform: OCIPlatform;
    readonly Identity?: Identity | null;
    readonly Containers: readonly string[];
    readonly Size: { readonly Unpacked: number };
  } | null;
  readonly AttestationData?: { readonly For: string } | null;
}

export interface ImageSummary {
  readonly Id: string;
  readonly ParentId: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Created: number;
  readonly Size: number;
  readonly SharedSize: number;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Containers: number;
  readonly Manifests?: readonly ImageManifestSummary[];
  readonly Descriptor?: OCIDescriptor | null;
}

export interface ImagesDiskUsage {
  readonly ActiveCount?: number;
  readonly TotalCount?: number;
  readonly Reclaimable?: number;
  readonly TotalSize?: number;
  readonly Items?: readonly unknown[];
}

export interface IndexInfo {
  readonly Name?: string;
  readonly Mirrors?: readonly string[];
  readonly Secure?: boolean;
  readonly Official?: boolean;
}

export interface JoinTokens {
  readonly Worker?: string;
  readonly Manager?: string;
}

export type KnownSignerIdentity = string;

export interface Limit {
  readonly NanoCPUs?: number;
  readonly MemoryBytes?: number;
  readonly Pids?: number;
}

export type LocalNodeState = string;

export interface ManagerStatus {
  readonly Leader?: boolean;
  readonly Reachability?: Reachability;
  readonly Addr?: string;
}

export interface Mount {
  readonly Target?: string;
  readonly Source?: string;
  readonly Type?: MountType;
  readonly ReadOnly?: boolean;
  readonly Consistency?: string;
  readonly BindOptions?: {
    readonly Propagation?: string;
    readonly NonRecursive?: boolean;
    readonly CreateMountpoint?: boolean;
    readonly ReadOnlyNonRecursive?: boolean;
    readonly ReadOnlyForceRecursive?: boolean;
  };
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> };
    readonly Subpath?: string;
  };
  readonly ImageOptions?: { readonly Subpath?: string };
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number;
    readonly Mode?: number;
    readonly Options?: readonly (readonly string[])[];
  };
}

export interface MountPoint {
  readonly Type?: MountType;
  readonly Name?: string;
  readonly Source?: string;
  readonly Destination?: string;
  readonly Driver?: string;
  readonly Mode?: string;
  readonly RW?: boolean;
  readonly Propagation?: string;
}

export type MountType = string;

export interface NRIInfo {
  readonly Info?: readonly (readonly string[])[];
}

export interface Network {
  readonly Name?: string;
  readonly Id?: string;
  readonly Created?: string;
  readonly Scope?: string;
  readonly Driver?: string;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6?: boolean;
  readonly IPAM?: IPAM;
  readonly Internal?: boolean;
  readonly Attachable?: boolean;
  readonly Ingress?: boolean;
  readonly ConfigFrom?: ConfigReference;
  readonly ConfigOnly?: boolean;
  readonly Options?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Peers?: readonly PeerInfo[];
}

export interface NetworkAttachment {
  readonly Network?: Network;
  readonly Addresses?: readonly string[];
}

export interface NetworkAttachmentConfig {
  readonly Target?: string;
  readonly Aliases?: readonly string[];
  readonly DriverOpts?: Readonly<Record<string, string>>;
}

export interface NetworkConnectRequest {
  readonly Container: string;
  readonly EndpointConfig?: EndpointSettings | null;
}

export interface NetworkCreateRequest {
  readonly Name: string;
  readonly Driver?: string;
  readonly Scope?: string;
  readonly Internal?: boolean;
  readonly Attachable?: boolean;
  readonly Ingress?: boolean;
  readonly ConfigOnly?: boolean;
  readonly ConfigFrom?: ConfigReference;
  readonly IPAM?: IPAM;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Options?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface NetworkCreateResponse {
  readonly Id: string;
  readonly Warning: string;
}

export interface NetworkDisconnectRequest {
  readonly Container: string;
  readonly Force?: boolean;
}

export interface NetworkInspect extends Network {
  readonly Containers?: Readonly<Record<string, EndpointResource>>;
  readonly Services?: Readonly<Record<string, unknown>>;
  readonly Status?: NetworkStatus;
}

export interface NetworkSettings {
  readonly SandboxID?: string;
  readonly SandboxKey?: string;
  readonly Ports?: PortMap;
  readonly Networks?: Readonly<Record<string, EndpointSettings>>;
}

export interface NetworkStatus {
  readonly IPAM?: IPAMStatus;
}

export type NetworkSummary = Network;

export interface NetworkTaskInfo {
  readonly Name?: string;
  readonly EndpointID?: string;
  readonly EndpointIP?: string;
  readonly Info?: Readonly<Record<string, string>>;
}

export interface NetworkingConfig {
  readonly EndpointsConfig?: Readonly<Record<string, EndpointSettings>>;
}

export interface Node {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: NodeSpec;
  readonly Description?: NodeDescription;
  readonly Status?: NodeStatus;
  readonly ManagerStatus?: ManagerStatus;
}

export interface NodeDescription {
  readonly Hostname?: string;
  readonly Platform?: Platform;
  readonly Resources?: ResourceObject;
  readonly Engine?: EngineDescription;
  readonly TLSInfo?: TLSInfo;
}

export interface NodeSpec {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Role?: string;
  readonly Availability?: string;
}

export type NodeState = string;

export interface NodeStatus {
  readonly State?: NodeState;
  readonly Message?: string;
  readonly Addr?: string;
}

export interface OCIDescriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly urls?: readonly string[] | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly data?: string | null;
  readonly platform?: OCIPlatform;
  readonly artifactType?: string | null;
}

export interface OCIPlatform {
  readonly architecture?: string;
  readonly os?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly variant?: string;
}

export interface ObjectVersion {
  readonly Index?: number;
}

export interface PeerInfo {
  readonly Name?: string;
  readonly IP?: string;
}

export interface PeerNode {
  readonly NodeID?: string;
  readonly Addr?: string;
}

export interface Platform {
  readonly Architecture?: string;
  readonly OS?: string;
}

export interface Plugin {
  readonly Id?: string;
  readonly Name: string;
  readonly Enabled: boolean;
  readonly Settings: {
    readonly Mounts: readonly PluginMount[];
    readonly Env: readonly string[];
    readonly Args: readonly string[];
    readonly Devices: readonly PluginDevice[];
  };
  readonly PluginReference?: string;
  readonly Config: {
    readonly Description: string;
    readonly Documentation: string;
    readonly Interface: {
      readonly Types: readonly string[];
      readonly Socket: string;
      readonly ProtocolScheme?: string;
    };
    readonly Entrypoint: readonly string[];
    readonly WorkDir: string;
    readonly User?: { readonly UID?: number; readonly GID?: number };
    readonly Network: { readonly Type: string };
    readonly Linux: {
      readonly Capabilities: readonly string[];
      readonly AllowAllDevices: boolean;
      readonly Devices: readonly PluginDevice[];
    };
    readonly PropagatedMount: string;
    readonly IpcHost: boolean;
    readonly PidHost: boolean;
    readonly Mounts: readonly PluginMount[];
    readonly Env: readonly PluginEnv[];
    readonly Args: {
      readonly Name: string;
      readonly Description: string;
      readonly Settable: readonly string[];
      readonly Value: readonly string[];
    };
    readonly rootfs?: { readonly type?: string; readonly diff_ids?: readonly string[] };
  };
}

export interface PluginDevice {
  readonly Name: string;
  readonly Description: string;
  readonly Settable: readonly string[];
  readonly Path: string;
}

export interface PluginEnv {
  readonly Name: string;
  readonly Description: string;
  readonly Settable: readonly string[];
  readonly Value: string;
}

export interface PluginMount {
  readonly Name: string;
  readonly Description: string;
  readonly Settable: readonly string[];
  readonly Source: string;
  readonly Destination: string;
  readonly Type: string;
  readonly Options: readonly string[];
}

export interface PluginPrivilege {
  readonly Name?: string;
  readonly Description?: string;
  readonly Value?: readonly string[];
}

export interface PluginsInfo {
  readonly Volume?: readonly string[];
  readonly Network?: readonly string[];
  readonly Authorization?: readonly string[];
  readonly Log?: readonly string[];
}

export interface PortBinding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>;

export interface PortStatus {
  readonly Ports?: readonly EndpointPortConfig[];
}

export interface PortSummary {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

export interface ProcessConfig {
  readonly privileged?: boolean;
  readonly user?: string;
  readonly tty?: boolean;
  readonly entrypoint?: string;
  readonly arguments?: readonly string[];
}

export interface ProgressDetail {
  readonly current?: number;
  readonly total?: number;
}

export interface PullIdentity {
  readonly Repository?: string;
}

export interface PushImageInfo {
  readonly errorDetail?: ErrorDetail;
  readonly status?: string;
  readonly progressDetail?: ProgressDetail;
}

export type Reachability = string;

export interface RegistryServiceConfig {
  readonly InsecureRegistryCIDRs?: readonly string[];
  readonly IndexConfigs?: Readonly<Record<string, IndexInfo>>;
  readonly Mirrors?: readonly string[];
}

export interface ResourceObject {
  readonly NanoCPUs?: number;
  readonly MemoryBytes?: number;
  readonly GenericResources?: GenericResources;
}

export interface Resources {
  readonly CpuShares?: number;
  readonly Memory?: number;
  readonly CgroupParent?: string;
  readonly BlkioWeight?: number;
  readonly BlkioWeightDevice?: readonly { readonly Path?: string; readonly Weight?: number }[];
  readonly BlkioDeviceReadBps?: readonly ThrottleDevice[];
  readonly BlkioDeviceWriteBps?: readonly ThrottleDevice[];
  readonly BlkioDeviceReadIOps?: readonly ThrottleDevice[];
  readonly BlkioDeviceWriteIOps?: readonly ThrottleDevice[];
  readonly CpuPeriod?: number;
  readonly CpuQuota?: number;
  readonly CpuRealtimePeriod?: number;
  readonly CpuRealtimeRuntime?: number;
  readonly CpusetCpus?: string;
  readonly CpusetMems?: string;
  readonly Devices?: readonly DeviceMapping[];
  readonly DeviceCgroupRules?: readonly string[];
  readonly DeviceRequests?: readonly DeviceRequest[];
  readonly MemoryReservation?: number;
  readonly MemorySwap?: number;
  readonly MemorySwappiness?: number;
  readonly NanoCpus?: number;
  readonly OomKillDisable?: boolean;
  readonly Init?: boolean | null;
  readonly PidsLimit?: number | null;
  readonly Ulimits?: readonly { readonly Name?: string; readonly Soft?: number; readonly Hard?: number }[];
  readonly CpuCount?: number;
  readonly CpuPercent?: number;
  readonly IOMaximumIOps?: number;
  readonly IOMaximumBandwidth?: number;
  readonly KernelMemory?: number;
  readonly KernelMemoryTCP?: number;
}

export interface RestartPolicy {
  readonly Name?: string;
  readonly MaximumRetryCount?: number;
}

export interface RootFSStorage {
  readonly Snapshot?: RootFSStorageSnapshot | null;
}

export interface RootFSStorageSnapshot {
  readonly Name?: string;
}

export interface Runtime {
  readonly path?: string;
  readonly runtimeArgs?: readonly string[] | null;
  readonly status?: Readonly<Record<string, string>> | null;
}

export interface Secret {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: SecretSpec;
}

export type SecretCreateRequest = SecretSpec;

export interface SecretSpec {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Data?: string;
  readonly Driver?: Driver;
  readonly Templating?: Driver;
}

export interface Service {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Spec?: ServiceSpec;
  readonly Endpoint?: {
    readonly Spec?: EndpointSpec;
    readonly Ports?: readonly EndpointPortConfig[];
    readonly VirtualIPs?: readonly { readonly NetworkID?: string; readonly Addr?: string }[];
  };
  readonly UpdateStatus?: {
    readonly State?: string;
    readonly StartedAt?: string;
    readonly CompletedAt?: string;
    readonly Message?: string;
  };
  readonly ServiceStatus?: {
    readonly RunningTasks?: number;
    readonly DesiredTasks?: number;
    readonly CompletedTasks?: number;
  };
  readonly JobStatus?: { readonly JobIteration?: ObjectVersion; readonly LastExecution?: string };
}

export type ServiceCreateRequest = ServiceSpec;

export interface ServiceCreateResponse {
  readonly ID?: string;
  readonly Warnings?: readonly string[] | null;
}

export interface ServiceInfo {
  readonly VIP?: string;
  readonly Ports?: readonly string[];
  readonly LocalLBIndex?: number;
  readonly Tasks?: readonly NetworkTaskInfo[];
}

export interface ServiceSpec {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly TaskTemplate?: TaskSpec;
  readonly Mode?: {
    readonly Replicated?: { readonly Replicas?: number };
    readonly Global?: Readonly<Record<string, unknown>>;
    readonly ReplicatedJob?: { readonly MaxConcurrent?: number; readonly TotalCompletions?: number };
    readonly GlobalJob?: Readonly<Record<string, unknown>>;
  };
  readonly UpdateConfig?: {
    readonly Parallelism?: number;
    readonly Delay?: number;
    readonly FailureAction?: string;
    readonly Monitor?: number;
    readonly MaxFailureRatio?: number;
    readonly Order?: string;
  };
  readonly RollbackConfig?: {
    readonly Parallelism?: number;
    readonly Delay?: number;
    readonly FailureAction?: string;
    readonly Monitor?: number;
    readonly MaxFailureRatio?: number;
    readonly Order?: string;
  };
  readonly Networks?: readonly NetworkAttachmentConfig[];
  readonly EndpointSpec?: EndpointSpec;
}

export type ServiceUpdateRequest = ServiceSpec;

export interface ServiceUpdateResponse {
  readonly Warnings?: readonly string[];
}

export interface SignatureIdentity {
  readonly Name?: string;
  readonly Timestamps?: readonly SignatureTimestamp[];
  readonly KnownSigner?: KnownSignerIdentity;
  readonly DockerReference?: string;
  readonly Signer?: SignerIdentity;
  readonly SignatureType?: SignatureType;
  readonly Error?: string;
  readonly Warnings?: readonly string[];
}

export interface SignatureTimestamp {
  readonly Type?: SignatureTimestampType;
  readonly URI?: string;
  readonly Timestamp?: string;
}

export type SignatureTimestampType = string;

export type SignatureType = string;

export interface SignerIdentity {
  readonly CertificateIssuer?: string;
  readonly SubjectAlternativeName?: string;
  readonly Issuer?: string;
  readonly BuildSignerURI?: string;
  readonly BuildSignerDigest?: string;
  readonly RunnerEnvironment?: string;
  readonly SourceRepositoryURI?: string;
  readonly SourceRepositoryDigest?: string;
  readonly SourceRepositoryRef?: string;
  readonly SourceRepositoryIdentifier?: string;
  readonly SourceRepositoryOwnerURI?: string;
  readonly SourceRepositoryOwnerIdentifier?: string;
  readonly BuildConfigURI?: string;
  readonly BuildConfigDigest?: string;
  readonly BuildTrigger?: string;
  readonly RunInvocationURI?: string;
  readonly SourceRepositoryVisibilityAtSigning?: string;
}

export interface Storage {
  readonly RootFS?: RootFSStorage | null;
}

export interface SubnetStatus {
  readonly IPsInUse?: number;
  readonly DynamicIPsAvailable?: number;
}

export interface Swarm extends ClusterInfo {
  readonly JoinTokens?: JoinTokens;
}

export interface SwarmInfo {
  readonly NodeID?: string;
  readonly NodeAddr?: string;
  readonly LocalNodeState?: LocalNodeState;
  readonly ControlAvailable?: boolean;
  readonly Error?: string;
  readonly RemoteManagers?: readonly PeerNode[] | null;
  readonly Nodes?: number | null;
  readonly Managers?: number | null;
  readonly Cluster?: ClusterInfo;
}

export interface SwarmInitRequest {
  readonly ListenAddr?: string;
  readonly AdvertiseAddr?: string;
  readonly DataPathAddr?: string;
  readonly DataPathPort?: number;
  readonly DefaultAddrPool?: readonly string[];
  readonly ForceNewCluster?: boolean;
  readonly SubnetSize?: number;
  readonly Spec?: SwarmSpec;
}

export interface SwarmJoinRequest {
  readonly ListenAddr: string;
  readonly AdvertiseAddr?: string;
  readonly DataPathAddr?: string;
  readonly RemoteAddrs: readonly string[];
  readonly JoinToken: string;
}

export interface SwarmSpec {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Orchestration?: { readonly TaskHistoryRetentionLimit?: number } | null;
  readonly Raft?: {
    readonly SnapshotInterval?: number;
    readonly KeepOldSnapshots?: number;
    readonly LogEntriesForSlowFollowers?: number;
    readonly ElectionTick?: number;
    readonly HeartbeatTick?: number;
  };
  readonly Dispatcher?: { readonly HeartbeatPeriod?: number } | null;
  readonly CAConfig?: {
    readonly NodeCertExpiry?: number;
    readonly ExternalCAs?: readonly {
      readonly Protocol?: string;
      readonly URL?: string;
      readonly Options?: Readonly<Record<string, string>>;
      readonly CACert?: string;
    }[];
    readonly SigningCACert?: string;
    readonly SigningCAKey?: string;
    readonly ForceRotate?: number;
  } | null;
  readonly EncryptionConfig?: { readonly AutoLockManagers?: boolean };
  readonly TaskDefaults?: {
    readonly LogDriver?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> };
  };
}

export interface SwarmUnlockRequest {
  readonly UnlockKey?: string;
}

export interface SystemInfo {
  readonly ID?: string;
  readonly Containers?: number;
  readonly ContainersRunning?: number;
  readonly ContainersPaused?: number;
  readonly ContainersStopped?: number;
  readonly Images?: number;
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly string[])[];
  readonly DockerRootDir?: string;
  readonly Plugins?: PluginsInfo;
  readonly MemoryLimit?: boolean;
  readonly SwapLimit?: boolean;
  readonly CpuCfsPeriod?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly CPUShares?: boolean;
  readonly CPUSet?: boolean;
  readonly PidsLimit?: boolean;
  readonly OomKillDisable?: boolean;
  readonly IPv4Forwarding?: boolean;
  readonly Debug?: boolean;
  readonly NFd?: number;
  readonly NGoroutines?: number;
  readonly SystemTime?: string;
  readonly LoggingDriver?: string;
  readonly CgroupDriver?: string;
  readonly CgroupVersion?: string;
  readonly NEventsListener?: number;
  readonly KernelVersion?: string;
  readonly OperatingSystem?: string;
  readonly OSVersion?: string;
  readonly OSType?: string;
  readonly Architecture?: string;
  readonly NCPU?: number;
  readonly MemTotal?: number;
  readonly IndexServerAddress?: string;
  readonly RegistryConfig?: RegistryServiceConfig;
  readonly GenericResources?: GenericResources;
  readonly HttpProxy?: string;
  readonly HttpsProxy?: string;
  readonly NoProxy?: string;
  readonly Name?: string;
  readonly Labels?: readonly string[];
  readonly ExperimentalBuild?: boolean;
  readonly ServerVersion?: string;
  readonly Runtimes?: Readonly<Record<string, Runtime>>;
  readonly DefaultRuntime?: string;
  readonly Swarm?: SwarmInfo;
  readonly LiveRestoreEnabled?: boolean;
  readonly Isolation?: string;
  readonly InitBinary?: string;
  readonly ContainerdCommit?: Commit;
  readonly RuncCommit?: Commit;
  readonly InitCommit?: Commit;
  readonly SecurityOptions?: readonly string[];
  readonly ProductLicense?: string;
  readonly DefaultAddressPools?: readonly { readonly Base?: string; readonly Size?: number }[];
  readonly FirewallBackend?: FirewallInfo;
  readonly DiscoveredDevices?: readonly DeviceInfo[];
  readonly NRI?: NRIInfo;
  readonly Warnings?: readonly string[];
  readonly CDISpecDirs?: readonly string[];
  readonly Containerd?: ContainerdInfo;
}

export interface SystemVersion {
  readonly Platform?: { readonly Name: string };
  readonly Components?: readonly {
    readonly Name: string;
    readonly Version: string;
    readonly Details?: Readonly<Record<string, unknown>> | null;
  }[];
  readonly Version?: string;
  readonly ApiVersion?: string;
  readonly MinAPIVersion?: string;
  readonly GitCommit?: string;
  readonly GoVersion?: string;
  readonly Os?: string;
  readonly Arch?: string;
  readonly KernelVersion?: string;
  readonly Experimental?: boolean;
  readonly BuildTime?: string;
}

export interface TLSInfo {
  readonly TrustRoot?: string;
  readonly CertIssuerSubject?: string;
  readonly CertIssuerPublicKey?: string;
}

export interface Task {
  readonly ID?: string;
  readonly Version?: ObjectVersion;
  readonly CreatedAt?: string;
  readonly UpdatedAt?: string;
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Spec?: TaskSpec;
  readonly ServiceID?: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly AssignedGenericResources?: GenericResources;
  readonly Status?: TaskStatus;
  readonly DesiredState?: TaskState;
  readonly JobIteration?: ObjectVersion;
  readonly NetworksAttachments?: readonly NetworkAttachment[];
}

export interface TaskSpec {
  readonly PluginSpec?: {
    readonly Name?: string;
    readonly Remote?: string;
    readonly Disabled?: boolean;
    readonly PluginPrivilege?: readonly PluginPrivilege[];
  };
  readonly ContainerSpec?: {
    readonly Image?: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Command?: readonly string[];
    readonly Args?: readonly string[];
    readonly Hostname?: string;
    readonly Env?: readonly string[];
    readonly Dir?: string;
    readonly User?: string;
    readonly Groups?: readonly string[];
    readonly Privileges?: {
      readonly CredentialSpec?: {
        readonly Config?: string;
        readonly File?: string;
        readonly Registry?: string;
      };
      readonly SELinuxContext?: {
        readonly Disable?: boolean;
        readonly User?: string;
        readonly Role?: string;
        readonly Type?: string;
        readonly Level?: string;
      };
      readonly Seccomp?: { readonly Mode?: string; readonly Profile?: string };
      readonly AppArmor?: { readonly Mode?: string };
      readonly NoNewPrivileges?: boolean;
    };
    readonly TTY?: boolean;
    readonly OpenStdin?: boolean;
    readonly ReadOnly?: boolean;
    readonly Mounts?: readonly Mount[];
    readonly StopSignal?: string;
    readonly StopGracePeriod?: number;
    readonly HealthCheck?: HealthConfig;
    readonly Hosts?: readonly string[];
    readonly DNSConfig?: {
      readonly Nameservers?: readonly string[];
      readonly Search?: readonly string[];
      readonly Options?: readonly string[];
    };
    readonly Secrets?: readonly {
      readonly File?: {
        readonly Name?: string;
        readonly UID?: string;
        readonly GID?: string;
        readonly Mode?: number;
      };
      readonly SecretID?: string;
      readonly SecretName?: string;
    }[];
    readonly OomScoreAdj?: number;
    readonly Configs?: readonly {
      readonly File?: {
        readonly Name?: string;
        readonly UID?: string;
        readonly GID?: string;
        readonly Mode?: number;
      };
      readonly Runtime?: Readonly<Record<string, unknown>>;
      readonly ConfigID?: string;
      readonly ConfigName?: string;
    }[];
    readonly Isolation?: string;
    readonly Init?: boolean | null;
    readonly Sysctls?: Readonly<Record<string, string>>;
    readonly CapabilityAdd?: readonly string[];
    readonly CapabilityDrop?: readonly string[];
    readonly Ulimits?: readonly { readonly Name?: string; readonly Soft?: number; readonly Hard?: number }[];
  };
  readonly NetworkAttachmentSpec?: { readonly ContainerID?: string };
  readonly Resources?: {
    readonly Limits?: Limit;
    readonly Reservations?: ResourceObject;
    readonly SwapBytes?: number | null;
    readonly MemorySwappiness?: number | null;
  };
  readonly RestartPolicy?: {
    readonly Condition?: string;
    readonly Delay?: number;
    readonly MaxAttempts?: number;
    readonly Window?: number;
  };
  readonly Placement?: {
    readonly Constraints?: readonly string[];
    readonly Preferences?: readonly { readonly Spread?: { readonly SpreadDescriptor?: string } }[];
    readonly MaxReplicas?: number;
    readonly Platforms?: readonly Platform[];
  };
  readonly ForceUpdate?: number;
  readonly Runtime?: string;
  readonly Networks?: readonly NetworkAttachmentConfig[];
  readonly LogDriver?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> };
}

export type TaskState = string;

export interface TaskStatus {
  readonly Timestamp?: string;
  readonly State?: TaskState;
  readonly Message?: string;
  readonly Err?: string;
  readonly ContainerStatus?: ContainerStatus;
  readonly PortStatus?: PortStatus;
}

export interface ThrottleDevice {
  readonly Path?: string;
  readonly Rate?: number;
}

export interface Topology {
  readonly Segments?: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly CreatedAt?: string;
  readonly Status?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Scope: string;
  readonly ClusterVolume?: ClusterVolume;
  readonly Options: Readonly<Record<string, string>>;
  readonly UsageData?: { readonly Size: number; readonly RefCount: number } | null;
}

export interface VolumeCreateRequest {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly ClusterVolumeSpec?: ClusterVolumeSpec;
}

export interface VolumeListResponse {
  readonly Volumes?: readonly Volume[];
  readonly Warnings?: readonly string[];
}

export interface VolumeUpdateRequest {
  readonly Spec?: ClusterVolumeSpec;
}

export interface VolumesDiskUsage {
  readonly ActiveCount?: number;
  readonly TotalCount?: number;
  readonly Reclaimable?: number;
  readonly TotalSize?: number;
  readonly Items?: readonly unknown[];
}

/** Every definition by its name. */
export interface Definitions {
  readonly Address: Address;
  readonly AttestationStatement: AttestationStatement;
  readonly AuthConfig: AuthConfig;
  readonly AuthResponse: AuthResponse;
  readonly BuildCache: BuildCache;
  readonly BuildCacheDiskUsage: BuildCacheDiskUsage;
  readonly BuildIdentity: BuildIdentity;
  readonly BuildInfo: BuildInfo;
  readonly ChangeType: ChangeType;
  readonly ClusterInfo: ClusterInfo;
  readonly ClusterVolume: ClusterVolume;
  readonly ClusterVolumeSpec: ClusterVolumeSpec;
  readonly Commit: Commit;
  readonly Config: Config;
  readonly ConfigCreateRequest: ConfigCreateRequest;
  readonly ConfigReference: ConfigReference;
  readonly ConfigSpec: ConfigSpec;
  readonly ContainerBlkioStatEntry: ContainerBlkioStatEntry;
  readonly ContainerBlkioStats: ContainerBlkioStats;
  readonly ContainerCPUStats: ContainerCPUStats;
  readonly ContainerCPUUsage: ContainerCPUUsage;
  readonly ContainerConfig: ContainerConfig;
  readonly ContainerCreateRequest: ContainerCreateRequest;
  readonly ContainerCreateResponse: ContainerCreateResponse;
  readonly ContainerExecRequest: ContainerExecRequest;
  readonly ContainerInspectResponse: ContainerInspectResponse;
  readonly ContainerMemoryStats: ContainerMemoryStats;
  readonly ContainerNetworkStats: ContainerNetworkStats;
  readonly ContainerPidsStats: ContainerPidsStats;
  readonly ContainerState: ContainerState;
  readonly ContainerStatsResponse: ContainerStatsResponse;
  readonly ContainerStatus: ContainerStatus;
  readonly ContainerStorageStats: ContainerStorageStats;
  readonly ContainerSummary: ContainerSummary;
  readonly ContainerThrottlingData: ContainerThrottlingData;
  readonly ContainerTopResponse: ContainerTopResponse;
  readonly ContainerUpdateRequest: ContainerUpdateRequest;
  readonly ContainerUpdateResponse: ContainerUpdateResponse;
  readonly ContainerWaitExitError: ContainerWaitExitError;
  readonly ContainerWaitResponse: ContainerWaitResponse;
  readonly ContainerdInfo: ContainerdInfo;
  readonly ContainersDiskUsage: ContainersDiskUsage;
  readonly CreateImageInfo: CreateImageInfo;
  readonly DeviceInfo: DeviceInfo;
  readonly DeviceMapping: DeviceMapping;
  readonly DeviceRequest: DeviceRequest;
  readonly DistributionInspect: DistributionInspect;
  readonly Driver: Driver;
  readonly DriverData: DriverData;
  readonly EndpointIPAMConfig: EndpointIPAMConfig;
  readonly EndpointPortConfig: EndpointPortConfig;
  readonly EndpointResource: EndpointResource;
  readonly EndpointSettings: EndpointSettings;
  readonly EndpointSpec: EndpointSpec;
  readonly EngineDescription: EngineDescription;
  readonly ErrorDetail: ErrorDetail;
  readonly ErrorResponse: ErrorResponse;
  readonly EventActor: EventActor;
  readonly EventMessage: EventMessage;
  readonly ExecStartRequest: ExecStartRequest;
  readonly FilesystemChange: FilesystemChange;
  readonly FirewallInfo: FirewallInfo;
  readonly GenericResources: GenericResources;
  readonly Health: Health;
  readonly HealthConfig: HealthConfig;
  readonly HealthcheckResult: HealthcheckResult;
  readonly HostConfig: HostConfig;
  readonly IDResponse: IDResponse;
  readonly IPAM: IPAM;
  readonly IPAMConfig: IPAMConfig;
  readonly IPAMStatus: IPAMStatus;
  readonly Identity: Identity;
  readonly ImageConfig: ImageConfig;
  readonly ImageDeleteResponseItem: ImageDeleteResponseItem;
  readonly ImageHistoryResponseItem: ImageHistoryResponseItem;
  readonly ImageID: ImageID;
  readonly ImageInspect: ImageInspect;
  readonly ImageManifestSummary: ImageManifestSummary;
  readonly ImageSummary: ImageSummary;
  readonly ImagesDiskUsage: ImagesDiskUsage;
  readonly IndexInfo: IndexInfo;
  readonly JoinTokens: JoinTokens;
  readonly KnownSignerIdentity: KnownSignerIdentity;
  readonly Limit: Limit;
  readonly LocalNodeState: LocalNodeState;
  readonly ManagerStatus: ManagerStatus;
  readonly Mount: Mount;
  readonly MountPoint: MountPoint;
  readonly MountType: MountType;
  readonly NRIInfo: NRIInfo;
  readonly Network: Network;
  readonly NetworkAttachment: NetworkAttachment;
  readonly NetworkAttachmentConfig: NetworkAttachmentConfig;
  readonly NetworkConnectRequest: NetworkConnectRequest;
  readonly NetworkCreateRequest: NetworkCreateRequest;
  readonly NetworkCreateResponse: NetworkCreateResponse;
  readonly NetworkDisconnectRequest: NetworkDisconnectRequest;
  readonly NetworkInspect: NetworkInspect;
  readonly NetworkSettings: NetworkSettings;
  readonly NetworkStatus: NetworkStatus;
  readonly NetworkSummary: NetworkSummary;
  readonly NetworkTaskInfo: NetworkTaskInfo;
  readonly NetworkingConfig: NetworkingConfig;
  readonly Node: Node;
  readonly NodeDescription: NodeDescription;
  readonly NodeSpec: NodeSpec;
  readonly NodeState: NodeState;
  readonly NodeStatus: NodeStatus;
  readonly OCIDescriptor: OCIDescriptor;
  readonly OCIPlatform: OCIPlatform;
  readonly ObjectVersion: ObjectVersion;
  readonly PeerInfo: PeerInfo;
  readonly PeerNode: PeerNode;
  readonly Platform: Platform;
  readonly Plugin: Plugin;
  readonly PluginDevice: PluginDevice;
  readonly PluginEnv: PluginEnv;
  readonly PluginMount: PluginMount;
  readonly PluginPrivilege: PluginPrivilege;
  readonly PluginsInfo: PluginsInfo;
  readonly PortBinding: PortBinding;
  readonly PortMap: PortMap;
  readonly PortStatus: PortStatus;
  readonly PortSummary: PortSummary;
  readonly ProcessConfig: ProcessConfig;
  readonly ProgressDetail: ProgressDetail;
  readonly PullIdentity: PullIdentity;
  readonly PushImageInfo: PushImageInfo;
  readonly Reachability: Reachability;
  readonly RegistryServiceConfig: RegistryServiceConfig;
  readonly ResourceObject: ResourceObject;
  readonly Resources: Resources;
  readonly RestartPolicy: RestartPolicy;
  readonly RootFSStorage: RootFSStorage;
  readonly RootFSStorageSnapshot: RootFSStorageSnapshot;
  readonly Runtime: Runtime;
  readonly Secret: Secret;
  readonly SecretCreateRequest: SecretCreateRequest;
  readonly SecretSpec: SecretSpec;
  readonly Service: Service;
  readonly ServiceCreateRequest: ServiceCreateRequest;
  readonly ServiceCreateResponse: ServiceCreateResponse;
  readonly ServiceInfo: ServiceInfo;
  readonly ServiceSpec: ServiceSpec;
  readonly ServiceUpdateRequest: ServiceUpdateRequest;
  readonly ServiceUpdateResponse: ServiceUpdateResponse;
  readonly SignatureIdentity: SignatureIdentity;
  readonly SignatureTimestamp: SignatureTimestamp;
  readonly SignatureTimestampType: SignatureTimestampType;
  readonly SignatureType: SignatureType;
  readonly SignerIdentity: SignerIdentity;
  readonly Storage: Storage;
  readonly SubnetStatus: SubnetStatus;
  readonly Swarm: Swarm;
  readonly SwarmInfo: SwarmInfo;
  readonly SwarmInitRequest: SwarmInitRequest;
  readonly SwarmJoinRequest: SwarmJoinRequest;
  readonly SwarmSpec: SwarmSpec;
  readonly SwarmUnlockRequest: SwarmUnlockRequest;
  readonly SystemInfo: SystemInfo;
  readonly SystemVersion: SystemVersion;
  readonly TLSInfo: TLSInfo;
  readonly Task: Task;
  readonly TaskSpec: TaskSpec;
  readonly TaskState: TaskState;
  readonly TaskStatus: TaskStatus;
  readonly ThrottleDevice: ThrottleDevice;
  readonly Topology: Topology;
  readonly Volume: Volume;
  readonly VolumeCreateRequest: VolumeCreateRequest;
  readonly VolumeListResponse: VolumeListResponse;
  readonly VolumeUpdateRequest: VolumeUpdateRequest;
  readonly VolumesDiskUsage: VolumesDiskUsage;
}
