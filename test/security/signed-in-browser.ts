import { expect } from "vitest";
import { send, type RawAnswer, type RawRequest } from "../support/raw-client.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import type { Started } from "../support/started.ts";

/** Another site. */
export const foreign = "https://evil.example";
/** Of the same site as a browser sees it: below our own host. */
export const sibling = "http://app.portal.localhost:4000";
export const otherSibling = "http://blog.portal.localhost:4000";

export type Headers = Record<string, string>;

/** A page of the tenant. */
export const page = "/single/report";
export const data = "/api/v1/users/me";

const ann = { subject: "ann", name: "Ann", email: "ann@acme.test" };

/** The user is whom the browser's cookie says, as in any app; the cookie travels with cross-site requests too. */
export const startSignedIn = (started: Started, proxy: StackOptions["proxy"] = {}): Promise<Stack> =>
  started.stack({
    proxy: {
      identify: ({ headers }) => (headers.cookie === "portal=ann" ? ann : null),
      policy: { presets: ["embed", "embed-write"], allow: [`GET ${page}`] },
      ...proxy,
    },
  });

/** A request with exactly these headers beside the cookie. */
export const ask = (
  { origin }: Stack,
  path: string,
  headers: Headers,
  request: Partial<RawRequest> = {},
): Promise<RawAnswer> =>
  send({ origin, path: `/qlik${path}`, ...request, headers: { cookie: "portal=ann", ...headers } });

/** Makes a session; what is returned checks that it lives on, and that the tenant has heard of nothing since. */
export async function untouched(stack: Stack): Promise<() => Promise<void>> {
  const own = { "sec-fetch-site": "same-origin" };
  expect((await ask(stack, data, own)).status).toBe(200);
  const heard = stack.tenant.recordings().length;
  return async () => {
    expect(stack.tenant.recordings()).toHaveLength(heard);
    expect((await ask(stack, "/_session", own)).json()).toMatchObject({ active: true, subject: "ann" });
  };
}
