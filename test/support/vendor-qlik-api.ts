import { registerAuthModule, type HostConfig } from "@qlik/api/auth";
import type { VendorStack } from "./vendor-stack.ts";

declare global {
  interface QlikAuthModules {
    /** The way of signing in that this module registers. */
    portal: { config: { readonly portalHeaders: Readonly<Record<string, string>> } };
  }
}

/**
 * Registers the documented extension point of `@qlik/api`, a custom auth module (facts §8): in Node it is the only way
 * to send what the host application knows a user by, because type `none` adds nothing and type `cookie` has no jar.
 */
function registerPortal(): void {
  registerAuthModule("portal", {
    requiredProps: ["portalHeaders"],
    getRestCallAuthParams: async ({ hostConfig }) => ({
      headers: { ...hostConfig.portalHeaders },
      queryParams: {},
      credentials: "same-origin",
    }),
    getWebSocketAuthParams: async ({ hostConfig }) => ({ headers: { ...hostConfig.portalHeaders } }),
    handleAuthenticationError: async () => ({}),
  });
}

registerPortal();

/** The host configuration of a user who comes through the proxy. */
export function portalConfig(
  world: Pick<VendorStack, "host" | "headersOf">,
  user: string,
): HostConfig<"portal"> {
  return { host: world.host, authType: "portal", portalHeaders: world.headersOf(user) };
}

/** Reads server-sent events as they come: the `data` of each, and how many reads it took. */
export async function readEvents(
  stream: ReadableStream<Uint8Array>,
): Promise<{ readonly events: readonly string[]; readonly reads: number }> {
  let text = "";
  let reads = 0;
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    reads += 1;
  }
  return { events: [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => data), reads };
}
