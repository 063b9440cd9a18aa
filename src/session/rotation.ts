import type { Registry } from "../registry/registry.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import { signingKeyDigest } from "./gate-record.ts";
import type { LoginQueue } from "./login-queue.ts";
import type { TenantAccess } from "./tenant-access.ts";

/** Replaces what sessions are made with, while they go on. rules R15 */
export interface Rotation {
  /** Another key signs from the next login on. */
  signWith(key: AssertionKey): void;
  /** To be called when the seal has another first secret: what every node needs before all else is sealed with it now. */
  sealAnew(): void;
}

/** What is told of a replacement. */
export interface RotationParts {
  readonly tenant: TenantAccess;
  readonly queue: LoginQueue;
  readonly registry: Registry;
}

/** Creates the rotation of one session manager. */
export function createRotation({ tenant, queue, registry }: RotationParts): Rotation {
  return {
    signWith(key) {
      tenant.signWith(key);
      queue.signWith(signingKeyDigest(key));
    },
    sealAnew() {
      // A store that cannot be reached is told of where it is noticed, and is compared with when it is back.
      registry.naming.compare().catch(() => {});
    },
  };
}
