/** A gate that work waits at until the test opens it. */
export interface Latch {
  /** Resolves once the gate is open. */
  readonly opened: Promise<void>;
  open(): void;
}

/** Creates a gate that is shut. */
export function createLatch(): Latch {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
