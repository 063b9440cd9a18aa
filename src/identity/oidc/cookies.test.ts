import { describe, expect, test } from "vitest";
import { createSeal } from "../../store/seal.ts";
import { Cookies, pendingFor } from "./cookies.ts";

const seal = createSeal(["a-secret-of-thirty-two-bytes-or-so"]);
const make = (changes: Partial<ConstructorParameters<typeof Cookies>[0]> = {}): Cookies =>
  new Cookies({
    seal,
    publicOrigin: "https://portal.example.com",
    prefix: "/qlik",
    purpose: "p",
    ...changes,
  });

/** What a browser sends back of what it was told to keep. */
const sentBack = (...setCookies: readonly string[]): readonly string[] => [
  "Cookie",
  setCookies.map((each) => each.split(";")[0]).join("; "),
];

describe("the cookie of the signed-in", () => {
  const login = { id: "A".repeat(32), epoch: 1, expiresAt: 2_000_000_000_000 };

  test("belongs to this host alone, over https", () => {
    expect(make().setLogin(login)).toMatch(
      /^__Host-qsp-qlik=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(make({ prefix: "" }).setLogin(login)).toMatch(/^__Host-qsp=/);
    expect(make({ publicOrigin: "http://localhost" }).setLogin(login)).toMatch(
      /^qsp-qlik=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test("says the same when it comes back, until its end", () => {
    const cookies = make();
    const raw = sentBack(cookies.setLogin(login));
    expect(cookies.readLogin(raw, login.expiresAt - 1)).toEqual(login);
    expect(cookies.readLogin(raw, login.expiresAt)).toBeNull();
  });

  test("has one length for all ids, epochs and ends", () => {
    const lengths = [login, { ...login, epoch: 1_234_567 }, { ...login, expiresAt: 1 }].map(
      (each) => make().setLogin(each).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  test("is nothing to a proxy for others, or with another secret", () => {
    const raw = sentBack(make().setLogin(login));
    const others = [{ purpose: "q" }, { seal: createSeal(["another-secret-of-thirty-two-bytes!!"]) }];
    for (const other of others) expect(make(other).readLogin(raw, 0)).toBeNull();
  });
});

describe("the cookies of sign-ins under way", () => {
  const wish = { returnTo: "https://portal.example.com/", afresh: false };

  test("know the sign-in by its state, for ten minutes", () => {
    const cookies = make();
    const { pending, setCookies } = cookies.begin([], wish, 1000);
    const raw = sentBack(...setCookies);
    expect(cookies.findPending(raw, pending.state, 1000 + pendingFor - 1)).toEqual(pending);
    expect(cookies.findPending(raw, pending.state, 1000 + pendingFor)).toBeNull();
    expect(cookies.findPending(raw, `${pending.state}x`, 1000)).toBeNull();
    expect(new Set([pending.state, pending.nonce, pending.verifier]).size).toBe(3);
  });

  test("open under no other state, whatever name they are given", () => {
    const cookies = make();
    const [mine, other] = [cookies.begin([], wish, 0), cookies.begin([], wish, 0)];
    const [name] = (other.setCookies[0] ?? "").split("=");
    const value = (mine.setCookies[0] ?? "").split(";")[0]?.split("=")[1];
    expect(cookies.findPending(["Cookie", `${name}=${value}`], other.pending.state, 1)).toBeNull();
  });

  test("make way for the newest, and for what is over", () => {
    const cookies = make();
    const kept = [1, 2, 3].map((at) => cookies.begin([], wish, at).setCookies[0] ?? "");
    const { setCookies } = cookies.begin(sentBack(...kept), wish, 4);
    const [oldest = ""] = kept[0]?.split("=") ?? [];
    expect(setCookies.slice(1)).toEqual([`${oldest}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`]);
    expect(cookies.tidy(sentBack(...kept), 3 + pendingFor, true)).toHaveLength(3);
    expect(cookies.tidy(sentBack(...kept), 5, true)).toEqual([]);
  });

  test("of a name that is not ours are left alone", () => {
    const raw = ["Cookie", "__Host-qsp-qlik.signin.evil%0d%0a=x; __Host-qsp-qlik.signin.0123=x; session=y"];
    expect(make().tidy(raw, 0, false)).toEqual([]);
  });
});
