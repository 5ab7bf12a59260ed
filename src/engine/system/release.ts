// What this build of the engine calls itself.

export interface Release {
  readonly version: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildTime: string;
}
