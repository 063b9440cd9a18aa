import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultApps } from "../../src/emulator/engine/apps/default-apps.ts";
import { sampleContent } from "../../src/portal/dashboard-content.ts";
import { createDemoWorld, type DemoWorld } from "../browser/demo-world.ts";

let world: DemoWorld;

beforeAll(async () => {
  world = await createDemoWorld();
});

afterAll(async () => {
  await world?.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks the portal under its own host name, wherever that name leads on this machine. */
async function ask(path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Answer> {
  const { host, port } = new URL(world.portal.url);
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, path, method, headers: { host, ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    );
    asking.on("error", reject);
    asking.end(body);
  });
}

const ownOrigin = (): string => new URL(world.portal.url).origin;

async function signIn(user: string, cookie?: string): Promise<string> {
  const headers = { origin: ownOrigin(), ...(cookie === undefined ? {} : { cookie }) };
  const { status, headers: answer } = await ask("/sign-in", {
    method: "POST",
    headers,
    body: `user=${user}`,
  });
  expect(status).toBe(303);
  return answer["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
}

describe("sample portal", () => {
  test("shows charts at the first visit, and asks who has signed out", async () => {
    const { body, headers } = await ask("/");
    expect(body).toContain("Alice Johansson");
    expect(headers["set-cookie"]).toHaveLength(2);
    const again = await ask("/", { headers: { cookie: "portal_seen=1" } });
    expect([again.status, again.headers["location"]]).toEqual([303, "/sign-in"]);
    expect((await ask("/sign-in")).body).toContain("there is no password");
  });

  test("shows the dashboard of whoever signed in, and a way to the other person", async () => {
    const cookie = await signIn("bruno");
    const { body } = await ask("/", { headers: { cookie } });
    expect(body).toContain("<strong>Bruno Keller</strong>");
    expect(body).toContain("Look as Alice Johansson");
  });

  test("lets its pages load from their own origin only, and the direct page from the tenant", async () => {
    const strict = String((await ask("/")).headers["content-security-policy"]);
    expect(strict).toContain("default-src 'none'; script-src 'self'; connect-src 'self';");
    expect(strict).not.toContain("unsafe-eval");
    const direct = String((await ask("/direct")).headers["content-security-policy"]);
    expect(direct).toContain(`script-src 'self' ${world.tenant.origin};`);
  });

  test("takes actions from its own pages only", async () => {
    const cookie = await signIn("alice");
    for (const origin of ["https://evil.example.test", "null", undefined]) {
      const headers = { cookie, ...(origin === undefined ? {} : { origin }) };
      for (const path of ["/sign-in", "/sign-out", "/expire-qlik-session"])
        expect((await ask(path, { method: "POST", headers, body: "user=bruno" })).status).toBe(403);
    }
    expect((await ask("/", { headers: { cookie } })).body).toContain("Alice Johansson");
  });

  test("answers under its own host name only", async () => {
    const { status, headers } = await ask("/", { headers: { host: "127.0.0.1:1" } });
    expect([status, headers.location]).toEqual([307, world.portal.url]);
    const post = await ask("/sign-in", {
      method: "POST",
      headers: { host: "evil.test", origin: ownOrigin() },
    });
    expect(post.status).toBe(421);
  });

  test("refuses an unknown person, an unknown page, a file outside its assets", async () => {
    const headers = { origin: ownOrigin() };
    expect((await ask("/sign-in", { method: "POST", headers, body: "user=mallory" })).status).toBe(400);
    expect((await ask("/nothing")).status).toBe(404);
    expect((await ask("/assets/../package.json")).status).toBe(404);
    expect((await ask("/expire-qlik-session", { method: "POST", headers })).status).toBe(401);
  });

  test("mounts the proxy with the signed-in person as its identity", async () => {
    const cookie = await signIn("alice");
    const { body } = await ask("/qlik/api/v1/users/me", { headers: { cookie } });
    expect(JSON.parse(body)).toMatchObject({ name: "Alice Johansson" });
    const state = await ask("/qlik/_session", { headers: { cookie } });
    expect(JSON.parse(state.body)).toMatchObject({
      authenticated: true,
      active: true,
      name: "Alice Johansson",
    });
    expect((await ask("/qlik/api/v1/users/me")).status).toBe(401);
  });

  test("ends the tenant's session with a sign-out, and with a sign-in as somebody else", async () => {
    const living = (): number => world.tenant.sessions.list().length;
    const cookie = await signIn("alice");
    await ask("/qlik/api/v1/users/me", { headers: { cookie } });
    const before = living();
    const other = await signIn("bruno", cookie);
    await expect.poll(living).toBe(before - 1);
    expect((await ask("/qlik/api/v1/users/me", { headers: { cookie } })).status).toBe(401);

    await ask("/qlik/api/v1/users/me", { headers: { cookie: other } });
    const signOut = { method: "POST", headers: { cookie: other, origin: ownOrigin() } };
    expect((await ask("/sign-out", signOut)).headers["set-cookie"]?.[0]).toContain("Max-Age=0");
    await expect.poll(living).toBe(before - 1);
    expect((await ask("/qlik/api/v1/users/me", { headers: { cookie: other } })).status).toBe(401);
  });

  test("shows objects that the local tenant has", async () => {
    const app = defaultApps().find(({ id }) => id === sampleContent.appId);
    const ids = app?.objects.map(({ qInfo }) => (qInfo as { qId: string }).qId) ?? [];
    expect(ids).toEqual(expect.arrayContaining(Object.values(sampleContent.charts)));
    expect([...(app?.load().columns.keys() ?? [])]).toContain(sampleContent.filterField);
  });
});
