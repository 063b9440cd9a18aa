/* The verdicts of the edge listener, and who may have them. rules R10, attacks A1 A2 A3 A4 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testSocket } from "../support/stack.ts";
import { send } from "../support/raw-client.ts";
import {
  type EdgeAnswer,
  edgeHost,
  edgeOrigin,
  type EdgeStack,
  edgeToken,
  fromPage,
  question,
  startEdgeStack,
} from "./edge-stack.ts";

let stack: EdgeStack;
beforeAll(async () => {
  stack = await startEdgeStack();
});
afterAll(() => stack.close());

const me = "/qlik/api/v1/users/me";
const upload = "/qlik/api/v1/temp-contents";

/** Names under which credentials leave. */
const credentialNames = [
  "x-qsp-cookie",
  "x-qsp-csrf-token",
  "cookie",
  "qlik-csrf-token",
  "x-qsp-upstream-uri",
];
const credentialsIn = ({ headers }: EdgeAnswer): readonly string[] =>
  credentialNames.filter((name) => name in headers);

const codeOf = ({ headers }: EdgeAnswer): string | undefined => headers["x-qsp-code"];

describe("who is asked for a verdict", () => {
  test("is there for the token alone, and for nobody else has nothing at any path", async () => {
    const [, , ...rest] = question("GET", me);
    const tokens: readonly (readonly string[])[] = [
      [],
      ["X-QSP-Edge-Token", ""],
      ["X-QSP-Edge-Token", `${edgeToken}x`],
      ["X-QSP-Edge-Token", edgeToken.slice(1)],
      ["X-QSP-Edge-Token", edgeToken.toUpperCase()],
      ["X-QSP-Edge-Token", edgeToken, "X-QSP-Edge-Token", edgeToken],
      ["X-QSP-Edge-Token", `${edgeToken}, ${edgeToken}`],
    ];
    for (const path of ["/authz/auth-request", "/authz/forward-auth", `/authz/ext-authz${me}`, "/"])
      for (const token of tokens) {
        const answer = await stack.ask({ path, headers: [...token, ...rest] });
        expect([path, token, answer.status, credentialsIn(answer)]).toEqual([path, token, 404, []]);
        expect(answer.headers["cache-control"]).toBe("no-store");
      }
  });

  test("takes the token as a bearer too, and lets it be nobody's identity", async () => {
    const token = edgeToken;
    const [, , ...without] = question("GET", me);
    const given = await stack.ask({ headers: [...without, "Authorization", `Bearer ${token}`] });
    expect([given.status, credentialsIn(given).length > 0]).toEqual([200, true]);
    for (const wrong of [
      ["Authorization", `Bearer ${token}x`],
      ["Authorization", `Basic ${token}`],
      ["Authorization", `Bearer ${token}`, "Authorization", `Bearer ${token}`],
      ["Authorization", `Bearer ${token}`, "X-QSP-Edge-Token", "another"],
    ]) {
      const answer = await stack.ask({ headers: [...without, ...wrong] });
      expect([wrong, answer.status, credentialsIn(answer)]).toEqual([wrong, 404, []]);
    }
  });

  test("has nothing beside the three addresses, for who has the token either", async () => {
    for (const path of [
      "/",
      "/authz",
      "/authz/auth-request/",
      "/authz/auth-request?x=1",
      "/AUTHZ/auth-request",
      "/authz/ext-authz",
      me,
      "/health/live",
      "/sessions",
    ]) {
      const answer = await stack.ask({ path, headers: question("GET", me) });
      expect([path, answer.status, credentialsIn(answer)]).toEqual([path, 404, []]);
    }
  });

  test("can be reached by the group of its socket, and by no other user", async () => {
    expect(((await stat(stack.socket)).mode & 0o777).toString(8)).toBe("660");
  });

  test("is not to be found on the public listener, by any path, not even with the token", async () => {
    for (const path of ["authz/auth-request", "authz/forward-auth", `authz/ext-authz${me}`])
      for (const spelling of [
        `/${path}`,
        `//${path}`,
        `/qlik/${path}`,
        `/qlik/../${path}`,
        `/qlik/%2e%2e/${path}`,
        `/qlik/..%2f${path}`,
        `/qlik/..;/${path}`,
        `/qlik/_session/${path}`,
        `/qlik/_session/../../${path}`,
        `/${path.toUpperCase()}`,
        `http://${edgeHost}/${path}`,
      ]) {
        const headers = Object.fromEntries(pairs(question("GET", me)));
        const answer = await send({ origin: stack.server.url, path: spelling, headers });
        expect([spelling, answer.status]).toEqual([spelling, expect.toSatisfy(isRefusal)]);
        expect(answer.rawHeaders.join("\n")).not.toMatch(/x-qsp-|eas\./i);
      }
  });
});

const isRefusal = (status: number): boolean => [400, 401, 403, 404, 421].includes(status);

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""] as const] : []));
}

describe("a yes", () => {
  test("names the address at the tenant and the session's cookies, and a token where something may change", async () => {
    const read = await stack.ask({ headers: question("GET", `${me}?x=%2F&y=a+b`) });
    expect([read.status, read.text]).toEqual([200, ""]);
    expect(read.headers).toMatchObject({
      "x-qsp-upstream-uri": "/api/v1/users/me?x=%2F&y=a+b",
      "x-qsp-cookie": expect.stringContaining("eas.sid="),
      "x-qsp-csrf-token": "",
      "cache-control": "no-store",
      vary: "*",
    });
    const write = await stack.ask({ headers: question("POST", upload) });
    expect(write.headers["x-qsp-csrf-token"]).toMatch(/^\S{8,}$/);
    expect(write.headers["x-qsp-cookie"]).toBe(read.headers["x-qsp-cookie"]);
  });

  test("opens the tenant for whom the front door names, and for each of them another session", async () => {
    for (const user of ["ann", "bob"]) {
      const { headers } = await stack.ask({ headers: question("GET", me, fromPage(user)) });
      const answer = await send({
        origin: stack.tenant.origin,
        path: headers["x-qsp-upstream-uri"] ?? "",
        headers: { cookie: headers["x-qsp-cookie"] ?? "" },
      });
      expect(answer.json()).toMatchObject({ subject: user });
    }
  });

  test("holds no cookie for a file that belongs to nobody, and asks nobody who wants it", async () => {
    const { status, headers } = await stack.ask({
      headers: question("GET", "/qlik/qlik-embed/main.js", fromPage(null)),
    });
    expect([
      status,
      headers["x-qsp-upstream-uri"],
      headers["x-qsp-cookie"],
      headers["x-qsp-csrf-token"],
    ]).toEqual([200, "/qlik-embed/main.js", "", ""]);
  });

  test("takes parameters of the proxy's own off the address", async () => {
    const { headers } = await stack.ask({
      headers: question("GET", `${me}?a=1&qlik-csrf-token=x&accessToken=y&b=2`),
    });
    expect(headers["x-qsp-upstream-uri"]).toBe("/api/v1/users/me?a=1&b=2");
  });

  test("is in the log without cookie, token and address", async () => {
    const told: unknown[] = [];
    const listener = (event: unknown): void => void told.push(event);
    subscribe("qsp:exchange", listener);
    const { headers } = await stack.ask({ headers: question("POST", `${upload}?secret=1`) });
    unsubscribe("qsp:exchange", listener);
    expect(told).toMatchObject([{ event: "edge.decided", route: "rest", method: "POST", status: 200 }]);
    const text = JSON.stringify(told);
    for (const secret of [headers["x-qsp-cookie"], headers["x-qsp-csrf-token"], edgeToken, "secret=1"])
      expect(text).not.toContain(secret);
  });
});

describe("a no", () => {
  const [page, stranger] = [fromPage(), fromPage(null)];
  const foreign = (site: string): readonly string[] => [
    ...page.filter((_, index) => index !== 2 && index !== 3),
    "Sec-Fetch-Site",
    site,
    "Origin",
    "https://evil.example",
  ];

  test.each<[string, string, string, readonly string[], number, string]>([
    ["nobody", "GET", me, stranger, 401, "QSP-UNAUTHENTICATED"],
    ["a path that is not offered", "GET", "/qlik/api/v1/api-keys", page, 403, "QSP-POLICY"],
    ["a method that is not offered", "DELETE", me, page, 403, "QSP-POLICY"],
    ["no method", "FETCH", me, page, 403, "QSP-TARGET"],
    ["a path with two readings", "GET", "/qlik/api/v1/items/%2e%2e/x", page, 403, "QSP-TARGET"],
    ["another site", "POST", upload, foreign("cross-site"), 403, "QSP-CROSS-SITE"],
    ["another host", "GET", me, ["Host", "evil.example", ...page.slice(2)], 403, "QSP-TARGET"],
    ["elsewhere", "GET", "/app", page, 403, "QSP-POLICY"],
    ["a route of the proxy's own", "GET", "/qlik/_session", page, 403, "QSP-POLICY"],
    ["a page of the tenant", "GET", "/qlik/single/?appid=x", page, 403, "QSP-POLICY"],
    ["the CSRF token", "GET", "/qlik/api/v1/csrf-token", page, 403, "QSP-POLICY"],
    ["the log-out", "GET", "/qlik/logout", page, 403, "QSP-POLICY"],
    [
      "a preflight",
      "OPTIONS",
      me,
      [...page, "Origin", edgeOrigin, "Access-Control-Request-Method", "GET"],
      403,
      "QSP-POLICY",
    ],
    ["an upgrade", "GET", "/qlik/app/x", [...page, "Upgrade", "websocket"], 403, "QSP-POLICY"],
    [
      "an upgrade of which Upgrade was taken away",
      "GET",
      me,
      [...page, "Sec-WebSocket-Version", "13"],
      403,
      "QSP-POLICY",
    ],
  ])("to %s holds no credential", async (_, method, uri, headers, status, code) => {
    const answer = await stack.ask({ headers: question(method, uri, headers) });
    expect([answer.status, codeOf(answer), credentialsIn(answer)]).toEqual([status, code, []]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test.each([
    ["no method", (headers: readonly string[]) => [...headers.slice(0, 2), ...headers.slice(4)]],
    ["no address", (headers: readonly string[]) => [...headers.slice(0, 4), ...headers.slice(6)]],
    ["two methods", (headers: readonly string[]) => [...headers, "X-Original-Method", "GET"]],
    ["two addresses", (headers: readonly string[]) => [...headers, "x-original-uri", me]],
    ["two hosts", (headers: readonly string[]) => [...headers, "Host", edgeHost]],
    ["an empty address", (headers: readonly string[]) => headers.with(5, "")],
    ["a body", (headers: readonly string[]) => [...headers, "Transfer-Encoding", "chunked"]],
  ])("is said where the edge sends %s", async (_, change) => {
    const answer = await stack.ask({ headers: change(question("GET", me)) });
    // Two hosts are no HTTP any more.
    expect([400, 403]).toContain(answer.status);
    expect(credentialsIn(answer)).toEqual([]);
  });

  test("is said of the address in one header, whatever other headers say", async () => {
    const lies = ["X-Forwarded-Uri", me, "X-Original-URL", me, "X-Rewrite-URL", me, "X_Original_URI", me];
    const answer = await stack.ask({
      headers: question("GET", "/qlik/api/v1/api-keys", [...fromPage(), ...lies]),
    });
    expect([answer.status, codeOf(answer)]).toEqual([403, "QSP-POLICY"]);
  });
});

describe("the other two ways to ask", () => {
  const token = ["X-QSP-Edge-Token", edgeToken];
  const forwarded = (method: string, uri: string, page = fromPage()): readonly string[] => [
    ...token,
    "X-Forwarded-Method",
    method,
    "X-Forwarded-Uri",
    uri,
    "X-Forwarded-Host",
    edgeHost,
    ...page.map((part) => (part === edgeHost ? "127.0.0.1:8789" : part)),
  ];
  const forward = (method: string, uri: string, page?: readonly string[]): Promise<EdgeAnswer> =>
    stack.ask({ path: "/authz/forward-auth", headers: forwarded(method, uri, page) });
  const extAuthz = (method: string, uri: string, page = fromPage()): Promise<EdgeAnswer> =>
    stack.ask({ method, path: `/authz/ext-authz${uri}`, headers: [...token, ...page] });

  test.each([
    ["forward-auth", forward],
    ["ext-authz", extAuthz],
  ])("%s says yes in headers that take the place of the browser's own", async (_, ask) => {
    const { status, headers } = await ask("GET", me);
    expect([status, headers["qlik-csrf-token"], headers["x-qsp-upstream-uri"]]).toEqual([
      200,
      "",
      "/api/v1/users/me",
    ]);
    expect(headers["cookie"]).toContain("eas.sid=");
  });

  test.each([
    ["forward-auth", forward],
    ["ext-authz", extAuthz],
  ])("%s says no with the status and the words that the browser gets", async (_, ask) => {
    const policy = await ask("GET", "/qlik/api/v1/api-keys");
    expect([policy.status, codeOf(policy), JSON.parse(policy.text)]).toMatchObject([
      404,
      "QSP-POLICY",
      { errors: [{ code: "QSP-POLICY", status: "404" }] },
    ]);
    const nobody = await ask("GET", me, fromPage(null));
    expect([nobody.status, credentialsIn(nobody)]).toEqual([401, []]);
    const person = await ask("GET", me, [...fromPage(null), "Sec-Fetch-Mode", "navigate"]);
    expect(person.headers["content-type"]).toContain("text/html");
  });

  test.each([
    ["forward-auth", forward],
    ["ext-authz", extAuthz],
  ])("%s refuses a parameter of the proxy's own, which such an edge would send on", async (_, ask) => {
    // The second one's value is what would be left of the address.
    for (const value of ["x", "/api/v1/users/me", me]) {
      const answer = await ask("GET", `${me}?qlik-csrf-token=${value}`);
      expect([value, answer.status, codeOf(answer), credentialsIn(answer)]).toEqual([
        value,
        400,
        "QSP-TARGET",
        [],
      ]);
    }
    expect((await ask("GET", `${me}?a=/api/v1/users/me`)).status).toBe(200);
  });

  test("forward-auth believes one method, one address and one host, and no path of the question", async () => {
    const headers = forwarded("GET", me);
    for (const twice of ["X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host"]) {
      const answer = await stack.ask({
        path: "/authz/forward-auth",
        headers: [...headers, twice, headers[headers.indexOf(twice) + 1] ?? ""],
      });
      expect([twice, answer.status, credentialsIn(answer)]).toEqual([twice, 400, []]);
    }
    const through = await stack.ask({ path: `/authz/forward-auth${me}`, headers });
    expect(through.status).toBe(404);
  });

  test("ext-authz does not let a path out of its address", async () => {
    for (const uri of [
      "/../auth-request",
      "//qlik/api/v1/users/me",
      "/qlik/../qlik/api/v1/users/me",
      "/%2e%2e/x",
    ]) {
      const answer = await extAuthz("GET", uri);
      expect([uri, [400, 404].includes(answer.status), credentialsIn(answer)]).toEqual([uri, true, []]);
    }
  });
});

test("at the root of the origin an edge that keeps the address is told yes and no alike", async () => {
  const other = await startEdgeStack({ more: 'prefix: "/"' });
  try {
    const ask = (uri: string): Promise<EdgeAnswer> =>
      other.ask({
        path: `/authz/ext-authz${uri}`,
        headers: ["X-QSP-Edge-Token", edgeToken, ...fromPage()],
      });
    const { status, headers } = await ask("/api/v1/users/me?a=1");
    expect([status, headers["x-qsp-upstream-uri"]]).toEqual([200, "/api/v1/users/me?a=1"]);
    expect((await ask("/api/v1/users/me?accessToken=/api/v1/users/me")).status).toBe(400);
  } finally {
    await other.close();
  }
});

test("a log-out ends what the next verdict would have given, and a socket that the proxy has opened", async () => {
  const carol = fromPage("carol");
  const before = await stack.ask({ headers: question("GET", me, carol) });
  expect(before.status).toBe(200);
  const page = Object.fromEntries(pairs(carol).map(([name, value]) => [name.toLowerCase(), value]));
  const headers = { ...page, origin: edgeOrigin };
  const app = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
  const socket = testSocket(`${stack.server.url.replace("http", "ws")}/qlik/app/${app}`, headers);
  await socket.message();
  const out = await send({ origin: stack.server.url, path: "/qlik/_session", method: "DELETE", headers });
  expect(out.status).toBe(204);
  expect((await socket.closed).code).toBe(4203);
  const cookie = before.headers["x-qsp-cookie"] ?? "";
  const left = await send({ origin: stack.tenant.origin, path: "/api/v1/users/me", headers: { cookie } });
  expect(left.status).not.toBe(200);
  const again = await stack.ask({ headers: question("GET", me, carol) });
  expect(again.headers["x-qsp-cookie"] ?? "").not.toBe(cookie);
});

test("a reload takes another token, and refuses another address", async () => {
  const other = await startEdgeStack();
  try {
    const token = "another-token-0123456789abcdef0123456789";
    other.folder.write("edge-token", token);
    other.server.prepareReload(other.load().config)();
    expect((await other.ask({ headers: question("GET", me) })).status).toBe(404);
    const headers = question("GET", me).with(1, token);
    expect((await other.ask({ headers })).status).toBe(200);
    const { config } = other.load();
    const moved = {
      ...config,
      edge: { listen: { path: "/run/elsewhere.sock" }, token: config.edge?.token as never },
    };
    expect(() => other.server.prepareReload(moved)).toThrow("edge.listen");
  } finally {
    await other.close();
  }
});
