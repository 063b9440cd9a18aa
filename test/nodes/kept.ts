/** Takes something that has to be closed; returns it. */
export type Keep = <Kept extends { close(): unknown }>(kept: Kept) => Kept;

/**
 * Closes what was kept when the hook runs, the last first; to be called once by each test file with `afterEach` or
 * `afterAll`. What was started before something else failed to start is closed too: no process is left behind.
 */
export function keptUntil(hook: (close: () => Promise<void>) => void): Keep {
  const open: { close(): unknown }[] = [];
  hook(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  return (kept) => {
    open.push(kept);
    return kept;
  };
}
