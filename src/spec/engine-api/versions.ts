// The Engine API versions that are spoken.

export const maxApiVersion = "1.50";
export const minApiVersion = "1.24";
