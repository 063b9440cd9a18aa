import type { Engine } from "./engine/engine.ts";
import type { Tenant } from "./local-tenant.ts";
import type { TenantUser } from "./users.ts";

/** The apps that a user may see: those without a required group, and those of the user's groups. */
export function visibleApps(tenant: Tenant, user: TenantUser): ReturnType<Engine["apps"]> {
  return tenant.engine
    .apps()
    .filter(({ requiredGroup }) => requiredGroup === undefined || user.groups.includes(requiredGroup));
}
