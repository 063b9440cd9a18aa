import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLinkRewriter } from "./json-links.ts";
import { rewriteWholeBody } from "./json-links-whole.ts";

const tenantOrigin = "https://acme.eu.qlikcloud.com";
const publicBase = "https://portal.example.com/qlik";
const members: ReadonlySet<string> = new Set(["location"]);

/** Rewrites a text in pieces; `cuts` are the lengths of the pieces, over and over. */
const rewrite = (
  input: string | Buffer,
  cuts: readonly number[] = [],
  origin = tenantOrigin,
): [string, number] => {
  const rewriter = createLinkRewriter({ tenantOrigin: origin, publicBase, members });
  const bytes = Buffer.from(input);
  const out: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = cuts.length === 0 ? bytes.length : (cuts[turn % cuts.length] as number);
    // A copy that is wiped afterwards: nothing may depend on a chunk once it has been written.
    const chunk = Buffer.from(bytes.subarray(at, at + length));
    out.push(Buffer.from(rewriter.write(chunk)));
    chunk.fill(0);
    at += length;
  }
  out.push(rewriter.end());
  return [Buffer.concat(out).toString("utf8"), rewriter.hits];
};

/** The same for a body that is there as a whole. */
const rewriteWhole = (input: string): string =>
  rewriteWholeBody(Buffer.from(input), { tenantOrigin, publicBase, members }).toString("utf8");

describe("createLinkRewriter", () => {
  const t = tenantOrigin;
  const p = publicBase;

  test.each([
    [`{"href":"${t}/api"}`, `{"href":"${p}/api"}`],
    [`{"href":"${t}"}`, `{"href":"${p}"}`],
    [`{"href":"${t}?a"}`, `{"href":"${p}?a"}`],
    [`{"href":"${t}#a"}`, `{"href":"${p}#a"}`],
    [`{"href":"${t}:443/api"}`, `{"href":"${p}/api"}`],
    [`{"href":"${t}:443"}`, `{"href":"${p}"}`],
    [`{"href":"wss://acme.eu.qlikcloud.com/app/1"}`, `{"href":"${p}/app/1"}`],
    [`{ "href" :\r\n\t"${t}/a" , "x":1 }`, `{ "href" :\r\n\t"${p}/a" , "x":1 }`],
    [
      `{"links":{"self":"${t}/a","next":{"href":"${t}/b"}}}`,
      `{"links":{"self":"${p}/a","next":{"href":"${p}/b"}}}`,
    ],
    [
      `{"links":["${t}/a",{"x":"${t}/b"},["${t}/c"],"${t}/d"]}`,
      `{"links":["${p}/a",{"x":"${t}/b"},["${t}/c"],"${p}/d"]}`,
    ],
    [`{"location":"${t}/a"}`, `{"location":"${p}/a"}`],
    [`[[[{"a":{"href":"${t}/a"}}]]]`, `[[[{"a":{"href":"${p}/a"}}]]]`],
    [`{"\\u0068ref":"${t}/a"}`, `{"\\u0068ref":"${p}/a"}`],
    [`{"__proto__":{"href":"${t}/a"},"constructor":1}`, `{"__proto__":{"href":"${p}/a"},"constructor":1}`],
    [`{"href":"${t}/a","href":"${t}/b"}`, `{"href":"${p}/a","href":"${p}/b"}`],
    [`{"href":"${t}/\\u0022\\\\\\"\\/"}`, `{"href":"${p}/\\u0022\\\\\\"\\/"}`],
    [`{"href":"https:\\/\\/acme.eu.qlikcloud.com\\/a\\/b"}`, `{"href":"${p}\\/a\\/b"}`],
    [`{"href":"https:\\u002f\\u002Facme.eu.qlikcloud.com\\u002fa"}`, `{"href":"${p}\\u002fa"}`],
    [`{"href":"\\u0068ttps://acme.eu.qlikcloud.com\\u003a443/a"}`, `{"href":"${p}/a"}`],
    [
      `{"a":-0.5e+3,"b":[true,false,null,0,12.0E-1],"href":"${t}/"}`,
      `{"a":-0.5e+3,"b":[true,false,null,0,12.0E-1],"href":"${p}/"}`,
    ],
    [` [ ] `, ` [ ] `],
    [`{"links":{}}`, `{"links":{}}`],
  ])("%s", (input, expected) => {
    for (const cuts of [[], [1], [2], [3, 1], [7]]) expect(rewrite(input, cuts)[0]).toBe(expected);
    expect(rewriteWhole(input)).toBe(expected);
  });

  test.each([
    ["another member", `{"url":"${t}/a","hrefs":"${t}/a","Href":"${t}/a","hre":"${t}/a"}`],
    ["a link in the middle of a text", `{"href":"see ${t}/a"}`],
    ["a host that goes on", `{"href":"${t}.evil.example/"}`],
    ["user information", `{"href":"${t}@evil.example/"}`],
    ["another port", `{"href":"${t}:4430/","links":{"a":"${t}:44"}}`],
    ["plain http", `{"href":"http://acme.eu.qlikcloud.com/a"}`],
    ["a host that stops short", `{"href":"https://acme.eu.qlikcloud"}`],
    ["upper case", `{"href":"HTTPS://acme.eu.qlikcloud.com/"}`],
    ["a backslash after the host", `{"href":"${t}\\\\x"}`],
    ["the value of links itself", `{"links":"${t}/a"}`],
    ["below links, but not directly", `{"links":{"a":{"b":"${t}/a"},"c":["${t}/a"]}}`],
    ["a string of an array in href", `{"href":["${t}/a"]}`],
    ["a name that is a link", `{"links":{"${t}/a":1}}`],
    ["a bare string", `"${t}/a"`],
    ["nothing", ""],
    ["numbers, words and empty strings", `[0,-1.5E+10,true,false,null,"",{"":""}]`],
    ["text outside ASCII", `{"href":"https://caf\u00e9/\u{1f600}","\u00e9":"\u00e9"}`],
  ])("leaves %s as it is", (_what, input) => {
    for (const cuts of [[], [1], [5]]) expect(rewrite(input, cuts)).toEqual([input, 0]);
    expect(rewriteWhole(input)).toBe(input);
  });

  test.each([
    ["a text that holds a quoted link", `{"a":"\\"href\\":\\"${t}/a\\""}`],
    ["a name that ends like one", `{"a\\"href":"${t}/a","x-href":"${t}/a"}`],
    ["a text that ends with a backslash", `{"a":"\\\\","b":"${t}/a"}`],
    ["a backslash between the slashes", `{"href":"https:\\\\//acme.eu.qlikcloud.com/a"}`],
    ["one slash", `{"href":"https:/acme.eu.qlikcloud.com/a"}`],
    ["the bare host", `{"href":"acme.eu.qlikcloud.com/a"}`],
    ["a longer scheme", `{"href":"xhttps://acme.eu.qlikcloud.com/a"}`],
    ["a host that only ends like it", `{"href":"https://x.acme.eu.qlikcloud.com/a"}`],
  ])("leaves %s as it is, whole or in pieces", (_what, input) => {
    expect(rewrite(input)).toEqual([input, 0]);
    expect(rewriteWhole(input)).toBe(input);
  });

  test("gives a whole body itself back while there is nothing to rewrite", () => {
    for (const text of ["", "[]", `{"url":"${t}/a"}`, `{"\\u0061":"https://cdn.example/x"}`]) {
      const body = Buffer.from(text);
      expect(rewriteWholeBody(body, { tenantOrigin, publicBase })).toBe(body);
    }
  });

  test("gives the chunk itself back while there is nothing to rewrite", () => {
    const rewriter = createLinkRewriter({ tenantOrigin, publicBase });
    const chunk = Buffer.from(`{"name":"a","href":"https://cdn.example/x"}`);
    const out = rewriter.write(chunk);
    expect(out.buffer).toBe(chunk.buffer);
    expect(out.equals(chunk)).toBe(true);
  });

  test("knows a plain tenant with a port, and only in its own schemes", () => {
    const plain = "http://127.0.0.1:4711";
    const [out, hits] = rewrite(
      `{"links":["${plain}/a","ws://127.0.0.1:4711/b","https://127.0.0.1:4711/c","${plain}1/d"]}`,
      [3],
      plain,
    );
    expect(out).toBe(`{"links":["${p}/a","${p}/b","https://127.0.0.1:4711/c","${plain}1/d"]}`);
    expect(hits).toBe(2);
  });

  const link = `{"href":"${t}/x"}`;

  test.each([
    ["a second document", `${link}${link}`, 1],
    ["a second document on its own line", `${link}\n${link}`, 1],
    ["a missing comma", `[${link} ${link}]`, 1],
    ["a trailing comma", `[${link},],${link}`, 1],
    ["a trailing comma in an object", `{"href":"${t}/x",},${link}`, 1],
    ["a wrong bracket", `[${link}},${link}`, 1],
    ["a comma at the beginning", `[,${link}]`, 0],
    ["a name without quotes", `{href:"${t}/x","href":"${t}/x"}`, 0],
    ["single quotes", `{'a':1,"href":"${t}/x"}`, 0],
    ["a colon too many", `{"a"::1,"href":"${t}/x"}`, 0],
    ["a comma for the colon", `{"a","href":"${t}/x"}`, 0],
    ["a number with a zero in front", `[01,${link}]`, 0],
    ["a number with a bare point", `[1.,${link}]`, 0],
    ["a number with a bare exponent", `[1e,${link}]`, 0],
    ["a lone minus", `[-,${link}]`, 0],
    ["a plus", `[+1,${link}]`, 0],
    ["a word that is none", `[nul,${link}]`, 0],
    ["an unknown word", `[NaN,${link}]`, 0],
    ["a line break in a string", `["a\nb",${link}]`, 0],
    ["an escape that is none", `["\\x",${link}]`, 0],
    ["a broken unicode escape", `["\\u00g0",${link}]`, 0],
    ["a broken escape in a name", `{"\\q":1,"href":"${t}/x"}`, 0],
    ["a broken escape in a link", `{"href":"https:\\q","href":"${t}/x"}`, 0],
    ["a control in a link", `{"href":"https:\n//","href":"${t}/x"}`, 0],
    ["a comment", `/* */${link}`, 0],
    ["a byte order mark", `\ufeff${link}`, 0],
    ["a closing bracket at the beginning", `]${link}`, 0],
    ["HTML", `<a href="${t}/x">${link}</a>`, 0],
  ])("lets everything through from %s on", (_what, input, hits) => {
    const expected = hits === 0 ? input : input.replace(`${t}/x`, `${p}/x`);
    for (const cuts of [[], [1], [4]]) expect(rewrite(input, cuts)).toEqual([expected, hits]);
  });

  test("lets what is nested too deep through, at bounded memory", () => {
    const deep = `${"[".repeat(100_000)}${link}`;
    expect(rewrite(deep)).toEqual([deep, 0]);
    const allowed = `${"[".repeat(1000)}${link}${"]".repeat(1000)}`;
    expect(rewrite(allowed)[1]).toBe(1);
  });

  test("holds back no more than the spelling of an origin", () => {
    const rewriter = createLinkRewriter({ tenantOrigin, publicBase });
    rewriter.write(Buffer.from(`{"href":"`));
    let held = 0;
    let most = 0;
    for (const unit of `${t}:443${"x".repeat(1000)}`) {
      const spelled = Buffer.from(`\\u00${unit.charCodeAt(0).toString(16)}`);
      held += spelled.length - rewriter.write(spelled).length;
      most = Math.max(most, held);
    }
    expect(held).toBe(0);
    expect(most).toBe(`${t}:443`.length * 6);
    expect(rewriter.end()).toHaveLength(0);
  });

  test.each([`{"href":"${t}`, `{"href":"${t}:44`, `{"href":"${t}\\u00`, `{"href":"`, `{"hr`, `[1`, `[tr`])(
    "gives back what it held when the body ends at %s",
    (input) => {
      for (const cuts of [[], [1], [6]]) expect(rewrite(input, cuts)).toEqual([input, 0]);
    },
  );
});

describe("beside JSON.parse", () => {
  type Json =
    | string
    | number
    | boolean
    | null
    | Json[]
    | { readonly entries: readonly (readonly [string, Json])[] };

  const linkLike = fc
    .tuple(
      fc.constantFrom(
        tenantOrigin,
        `${tenantOrigin}:443`,
        "wss://acme.eu.qlikcloud.com",
        "https://cdn.example",
      ),
      fc.constantFrom(
        "",
        "/",
        "/a?b#c",
        "?x",
        "#",
        ".evil",
        ":1",
        "@x",
        ":443",
        "\\",
        '"',
        "/\u00e9\u{1f600}",
      ),
    )
    .map(([origin, rest]) => origin + rest);
  const text = fc.oneof(
    { weight: 4, arbitrary: linkLike },
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.constantFrom("https://", "wss:", "https://acme.eu.qlikcloud.co"),
  );
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("href", "links", "location", "self") },
    fc.constantFrom("__proto__", "hrefs", "", "constructor", "0"),
    fc.string({ maxLength: 4 }),
  );
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      { weight: 2, arbitrary: text },
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
      fc.constantFrom(true, false, null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((entries) => ({ entries })),
    ),
  }));

  /** Writes a value down, as one of the many who may have written it: white space and escapes by chance. */
  const write = (node: Json, chance: () => number): string => {
    const space = (): string => ["", "", "", " ", "\n\t"][chance() % 5] as string;
    const quote = (plain: string): string => {
      let out = "";
      for (let i = 0; i < plain.length; i += 1) {
        const unit = plain[i] as string;
        const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
        if (chance() % 7 === 0) out += `\\u${chance() % 2 === 0 ? hex : hex.toUpperCase()}`;
        else if (unit === "/" && chance() % 2 === 0) out += "\\/";
        else out += JSON.stringify(unit).slice(1, -1);
      }
      return `"${out}"`;
    };
    const list = (open: string, parts: string[], close: string): string =>
      `${open}${space()}${parts.join(`${space()},${space()}`)}${space()}${close}`;
    if (Array.isArray(node)) {
      return list(
        "[",
        node.map((element) => write(element, chance)),
        "]",
      );
    }
    if (typeof node === "string") return quote(node);
    if (typeof node !== "object" || node === null) return JSON.stringify(node);
    return list(
      "{",
      node.entries.map(([k, v]) => `${quote(k)}${space()}:${space()}${write(v, chance)}`),
      "}",
    );
  };

  /** What the parsed document should be afterwards, by the words of the rule. */
  const expected = (node: unknown, member: string | null, below: string | null): unknown => {
    if (typeof node === "string") {
      if (member !== "href" && member !== "location" && below !== "links") return node;
      const match = /^(?:https|wss):\/\/acme\.eu\.qlikcloud\.com(?::443)?(?=[/?#]|$)/.exec(node);
      return match === null ? node : publicBase + node.slice(match[0].length);
    }
    if (Array.isArray(node)) return node.map((element) => expected(element, null, member));
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, expected(v, k, member)]));
  };

  const chances = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }).map((list) => {
    let turn = 0;
    return (): number => list[(turn += 1) % list.length] as number;
  });
  const document = fc.array(value, { minLength: 1, maxLength: 6 });
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });

  test("the document is the one that the rule describes, whatever the chunks", () => {
    let hits = 0;
    fc.assert(
      fc.property(document, chances, cuts, (node, chance, lengths) => {
        const input = write(node, chance);
        const [output, count] = rewrite(input, lengths);
        hits += count;
        expect(JSON.stringify(JSON.parse(output))).toBe(
          JSON.stringify(expected(JSON.parse(input), null, null)),
        );
        expect(output === input).toBe(count === 0);
      }),
      { numRuns: 2000 },
    );
    expect(hits).toBeGreaterThan(100);
  });

  test.each([
    ["where letters are spelled", false],
    ["where they are not", true],
  ])("a document that is there as a whole is the same, %s", (_where, isPlain) => {
    let changed = 0;
    fc.assert(
      fc.property(document, chances, (node, chance) => {
        const input = write(node, () => {
          const number = chance();
          return isPlain && number % 7 === 0 ? number + 1 : number;
        });
        const output = rewriteWhole(input);
        expect(output).toBe(rewrite(input)[0]);
        if (output !== input) changed += 1;
      }),
      { numRuns: 2000 },
    );
    expect(changed).toBeGreaterThan(100);
  });

  test("no byte is lost or moved, in documents that are cut off or damaged too", () => {
    const damage = fc.tuple(fc.nat(), fc.nat(4), fc.constantFrom("", '"', "\\", ",", "]", "}", "x", "\n"));
    fc.assert(
      fc.property(document, damage, cuts, (node, [where, length, insert], lengths) => {
        const whole = write(node, () => 1)
          .replaceAll("wss://acme", "https://acme")
          .replaceAll(":443", "");
        const at = where % (whole.length + 1);
        const input = whole.slice(0, at) + insert + (length === 4 ? "" : whole.slice(at + length));
        const [output] = rewrite(input, lengths);
        expect(output).toBe(rewrite(input)[0]);
        // A backslash that happens to fall before a slash is another spelling of it, and still a link.
        const plain = (text: string): string => text.replaceAll("\\/", "/");
        const restored = output.replaceAll(publicBase, tenantOrigin);
        expect(plain(restored)).toBe(plain(Buffer.from(input).toString("utf8")));
      }),
      { numRuns: 2000 },
    );
  });
});
