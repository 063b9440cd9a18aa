import type { Registry } from "../registry/registry.ts";
import type { Backend } from "../tenant/backend.ts";
import type { LoginQueue } from "./login-queue.ts";
import type { Logins } from "./logins.ts";
import type { TenantAccess } from "./tenant-access.ts";

/** What the process around it tells a session manager, while sessions go on. rules R15 */
export interface Upkeep {
  /** Users are signed in with another key or secret from the next login on. */
  signInBy(backend: Backend): void;
  /** To be called when the seal has another first secret: what every node needs before all else is sealed with it now. */
  sealAnew(): void;
  /** Tells this node from the others that share its store. */
  readonly nodeName: string;
  /** Another node is known to be dead: what it had begun is free at once. */
  nodeGone(name: string): void;
}

/** What is told of it. */
export interface UpkeepParts {
  readonly tenant: TenantAccess;
  readonly queue: LoginQueue;
  readonly logins: Logins;
  readonly registry: Registry;
}

/** Creates the upkeep of one session manager. */
export function createUpkeep({ tenant, queue, logins, registry }: UpkeepParts): Upkeep {
  return {
    nodeName: logins.nodeName,
    nodeGone: (name) => logins.nodeGone(name),
    signInBy(backend) {
      tenant.signInBy(backend);
      queue.signWith(backend.signer);
    },
    sealAnew() {
      // A store that cannot be reached is told of where it is noticed, and is compared with when it is back.
      registry.naming.compare().catch(() => {});
    },
  };
}
