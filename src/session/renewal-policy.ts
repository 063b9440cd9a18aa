import type { ProxySession } from "./proxy-session.ts";

/** A renewed generation that never worked is not renewed again for this long. Milliseconds; rules R5 */
const youth = 10_000;

/** At most so many renewals of one session in any half minute, whatever the tenant answers: one in three seconds. */
const mostRenewals = 10;
const renewalWindow = 30_000;

/**
 * Decides whether an auth loss on the current generation is answered by a new login.
 *
 * A first login is always trusted to have worked. A renewed generation that has not answered once since is not renewed
 * again at once: its login "succeeds" and gives nothing. One that did answer has really been lost, however young.
 */
export function decideRenewal(session: ProxySession, now: number): "renew" | "pass" {
  const { current, renewedAt } = session;
  const young = now < current.createdAt + youth;
  if (current.generation > 1 && young && current.provenAt === 0) return "pass";
  const recent = renewedAt.filter((at) => at > now - renewalWindow).length;
  return recent >= mostRenewals ? "pass" : "renew";
}
