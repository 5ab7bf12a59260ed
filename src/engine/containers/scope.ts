/** containerd's namespace for Docker's objects. */
export const scope = { namespace: "moby" } as const;
