/** Waits for work, but not longer than `ms` milliseconds; then it rejects with what `late` makes. */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    // Where the process was held up, an answer may have come that nobody has read yet.
    timer = setTimeout(() => setImmediate(() => reject(late())), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for work, but not longer than `ms` milliseconds; then it goes on without it. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const late = new Error("late");
  await within(ms, work, () => late).catch((error: unknown) => {
    if (error !== late) throw error;
  });
}
