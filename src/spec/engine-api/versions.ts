// The Engine API versions that are spoken: 1.24 to 1.55.

export const newestMinor = 55;
export const maxApiVersion = `1.${newestMinor}`;
export const minApiVersion = "1.24";
