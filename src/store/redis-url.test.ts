import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { parseStoreUrl } from "./redis-url.ts";

const noLogin = { login: undefined, tls: false };

/** The user and password that a URL gives, as text. */
function loginOf(url: string): unknown {
  const address = parseStoreUrl(url);
  if ("problem" in address) return address.problem;
  return address.login && [address.login.user, address.login.password.reveal()];
}

describe("parseStoreUrl", () => {
  test("reads one server, with defaults", () => {
    expect(parseStoreUrl("redis://cache")).toEqual({
      kind: "single",
      endpoint: { host: "cache", port: 6379 },
      db: 0,
      ...noLogin,
    });
    expect(parseStoreUrl("rediss://cache.example.com:6380/3")).toEqual({
      kind: "single",
      endpoint: { host: "cache.example.com", port: 6380 },
      db: 3,
      login: undefined,
      tls: true,
    });
    expect(parseStoreUrl("REDIS://[2001:db8::1]:7000/")).toMatchObject({
      endpoint: { host: "2001:db8::1", port: 7000 },
      db: 0,
    });
  });

  test("reads sentinels", () => {
    expect(parseStoreUrl("redis+sentinel://s1:26380,s2,[::1]/my%2Fmaster/2")).toEqual({
      kind: "sentinel",
      sentinels: [
        { host: "s1", port: 26380 },
        { host: "s2", port: 26379 },
        { host: "::1", port: 26379 },
      ],
      name: "my/master",
      db: 2,
      sentinelLogin: undefined,
      ...noLogin,
    });
    const secured = parseStoreUrl(
      "redis+sentinel://u:p@s1/m?tls=true&sentinelUser=watch&sentinelPassword=a%26b%3D",
    );
    expect(secured).toMatchObject({ tls: true, sentinelLogin: { user: "watch" } });
    expect("sentinelLogin" in secured && secured.sentinelLogin?.password.reveal()).toBe("a&b=");
    expect("login" in secured && secured.login?.password.reveal()).toBe("p");
  });

  test("reads a cluster", () => {
    expect(parseStoreUrl("redis+cluster://n1:7001,n2?tls=false")).toEqual({
      kind: "cluster",
      nodes: [
        { host: "n1", port: 7001 },
        { host: "n2", port: 6379 },
      ],
      ...noLogin,
    });
    expect(parseStoreUrl("redis+cluster://n1/?tls=true")).toMatchObject({ tls: true });
  });

  test("decodes user and password", () => {
    expect(loginOf("redis://us%40er:p%3A%2F%3F%23%25%C3%A4@h")).toEqual(["us@er", "p:/?#%ä"]);
    expect(loginOf("redis://:only@h")).toEqual([undefined, "only"]);
    expect(loginOf("redis://user:with:colons@h")).toEqual(["user", "with:colons"]);
    expect(loginOf("redis://h")).toBeUndefined();
  });

  test("keeps passwords out of what is printed", () => {
    for (const url of ["redis://u:hunter2@h", "redis+sentinel://s/m?sentinelPassword=hunter2"]) {
      const address = parseStoreUrl(url);
      expect(address).toHaveProperty("kind");
      expect(inspect(address, { depth: 9 }) + JSON.stringify(address)).not.toContain("hunter2");
    }
  });

  test.each([
    ["", "must have the form"],
    ["memory", "must have the form"],
    ["http://h", "must have the form"],
    ["redis:h", "must have the form"],
    ["redis://", "names a host that is none"],
    ["redis://h1,h2", "several hosts"],
    ["redis://h:0", "names a port outside"],
    ["redis://h:65536", "names a port outside"],
    ["redis://h:hunter2", "names a host that is none"],
    ["redis://h/zero", "by its number"],
    ["redis://h/0/1", "at most a database"],
    ["redis://h?tls=true", "has an unknown parameter; none is known here"],
    ["redis://hunter2@h", "has a user without a password"],
    ["redis://user:@h", "has a user without a password"],
    ["redis://user:hunt%er2@h", "write %25"],
    ["redis://user:hunt/er2@h", "names a host that is none"],
    ["redis://user:hunt#er2@h", "must have the form"],
    ["redis+sentinel://s1,s2", "must name the master"],
    ["redis+sentinel://s1/m/0/1", "must name the master"],
    ["redis+sentinel://s1,/m", "names a host that is none"],
    ["redis+sentinel://s1/m?tls=yes", "must have tls=true or tls=false"],
    ["redis+sentinel://s1/m?tls=true&tls=true", "the parameter tls twice"],
    ["redis+sentinel://s1/m?password=hunter2", "known are tls, sentinelUser, sentinelPassword"],
    ["redis+sentinel://s1/m?sentinelUser=u", "must have a sentinelPassword"],
    ["redis+cluster://n1/0", "must not name a database"],
    ["redis+cluster://n1?sentinelPassword=hunter2", "known are tls"],
  ])("says what is wrong with %s", (url, problem) => {
    const address = parseStoreUrl(url);
    expect(address).toMatchObject({ problem: expect.stringContaining(problem) });
    expect(JSON.stringify(address)).not.toMatch(/hunt/);
  });
});
