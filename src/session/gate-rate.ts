/** What became of the wish to begin logins. */
export interface Allowance {
  /** When the bucket is full again, afterwards; to be written down where it has changed. Milliseconds since the Unix epoch. */
  readonly fullAt: number;
  /** How many may begin now. */
  readonly granted: number;
  /** Milliseconds until the next one may begin; 0 for at once, less for how long one has been to be had. */
  readonly wait: number;
}

const minute = 60_000;

/** Below this, fractions of a millisecond are arithmetic and not time. Milliseconds. */
const rounding = 1e-3;

/** Milliseconds between two logins where `perMinute` are allowed. */
export function timeBetween(perMinute: number): number {
  return minute / perMinute;
}

/**
 * Takes logins out of a bucket of `perMinute`, which fills evenly within a minute: a burst of `perMinute` passes at once,
 * and then one each 60/`perMinute` seconds. facts §7
 *
 * The bucket is one number, the time at which it is full again ("generic cell rate algorithm"), so that it needs no
 * writing while nobody logs in. A time further away than a minute is from a clock that was set back: the bucket is empty
 * then, and fills from now on.
 */
export function takeLogins(
  fullAt: number,
  now: number,
  { perMinute, wanted }: { readonly perMinute: number; readonly wanted: number },
): Allowance {
  const each = timeBetween(perMinute);
  const from = Math.min(Math.max(fullAt, now), now + minute);
  const available = Math.max(0, Math.floor((minute - (from - now) + rounding) / each));
  const granted = Math.min(wanted, available);
  const next = from + granted * each;
  const isUnchanged = granted === 0 && fullAt <= now + minute;
  const wait = (isUnchanged ? fullAt : next) + each - (now + minute);
  return { fullAt: isUnchanged ? fullAt : next, granted, wait: Math.abs(wait) <= rounding ? 0 : wait };
}
