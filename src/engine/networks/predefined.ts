// The networks that every engine has.

const predefined = new Set(["bridge", "host", "none", "default"]);

export const isPredefined = (name: string): boolean => predefined.has(name);
