// Waiting for several things at once.

/** Like Promise.all, but settles only when every one has: after a failure nothing goes on in the background. */
export async function joinAll<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
