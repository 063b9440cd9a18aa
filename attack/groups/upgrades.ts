import type { Ask, Bout } from "../bout.ts";
import { handshakeLines } from "../wire/sockets.ts";

/** How an upgrade differs from a sound one. */
export interface UpgradeAsk extends Ask {
  /** `null` leaves it out; the page's own by default. */
  readonly origin?: string | null;
  /** The lines of the handshake itself. */
  readonly handshake?: readonly string[];
}

/** A handshake as the page's browser sends it. */
export function upgrade(
  bout: Bout,
  { origin = bout.target.origin, handshake = handshakeLines(), lines = [], ...ask }: UpgradeAsk = {},
): Ask {
  return {
    target: bout.at(bout.target.socketPath ?? "/"),
    bare: true,
    lines: [...handshake, ...(origin === null ? [] : [`Origin: ${origin}`]), ...lines],
    ...ask,
  };
}
