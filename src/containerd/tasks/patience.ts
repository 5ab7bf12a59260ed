// How long one waits for a shim: a stopped one never answers.

/** What the promise resolves or rejects with if it does within this many milliseconds, else undefined; what comes later is no news. */
export async function answerWithin<T>(
  milliseconds: number,
  promise: Promise<T>,
): Promise<{ readonly answer: T } | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, milliseconds, undefined);
  try {
    return await Promise.race([promise.then((answer) => ({ answer })), late]);
  } finally {
    clearTimeout(timer);
  }
}
