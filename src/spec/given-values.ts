// What was given of the daemon's options, read by type.

/** Values by the flag's name, or the key's where there is no flag. */
export type Given = ReadonlyMap<string, unknown>;

export class GivenValues {
  readonly given: Given;

  constructor(given: Given) {
    this.given = given;
  }

  text(flag: string, byDefault: string): string {
    const value = this.given.get(flag);
    return typeof value === "string" && value !== "" ? value : byDefault;
  }

  list(flag: string): readonly string[] {
    const value = this.given.get(flag);
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  }

  number(flag: string, byDefault: number): number {
    const value = this.given.get(flag);
    return typeof value === "number" ? value : byDefault;
  }

  truth(flag: string): boolean {
    return this.given.get(flag) === true;
  }
}
