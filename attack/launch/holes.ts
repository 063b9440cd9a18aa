/** A change to the built proxy that opens a hole, and the attacks that are to find it. */
export interface Hole {
  readonly name: string;
  /** What is wrong with the proxy then. */
  readonly what: string;
  /** Pieces of text, each there once, and what takes their place. */
  readonly changes: readonly Change[];
  readonly foundBy: readonly string[];
}

/** One change: a file below the built package, a piece of its text, and the new one. */
export interface Change {
  readonly file: string;
  readonly text: string;
  readonly by: string;
}

const change = (file: string, text: string, by: string): Change => ({ file, text, by });

const addsCredentials = "const headers = withCredentials(prepared.headers, { cookie, csrfToken, shown });";
const dropsCookie = change("proxy/http/rewrite-request.js", '    "cookie",\n', "");

/** Pipes an upgrade to the upstream at once, whatever it answers. */
const blindSplice = `
            const { connect } = await import("node:net");
            const { cookieFor } = await import(new URL("../../session/tenant-session.js", import.meta.url).href);
            const { hostname, port } = new URL(context.tenantOrigin);
            const { path, query } = admitted.target;
            const cookie = cookieFor(session.current, path, context.now());
            const lines = ["GET " + path + query + " HTTP/1.1", "Host: " + hostname, "Cookie: " + cookie];
            for (let at = 0; at < request.rawHeaders.length; at += 2) {
                const name = request.rawHeaders[at];
                if (/^(?:connection|upgrade|sec-websocket-)/i.test(name)) lines.push(name + ": " + request.rawHeaders[at + 1]);
            }
            const blind = connect(Number(port), hostname);
            blind.on("error", () => socket.destroy());
            socket.on("error", () => blind.destroy());
            blind.write(lines.join("\\r\\n") + "\\r\\n\\r\\n");
            blind.write(early.take());
            socket.pipe(blind).pipe(socket);
            return;
`;

/** Sends a body in chunks as most hand-written proxies do: by node's client, which frames it only for some methods. */
const unframedBody = `
                if (request.body !== null && request.contentLength === undefined) {
                    const { origin } = this.#options;
                    void import("node:http").then(async (http) => {
                        const headers = {};
                        for (let at = 0; at < request.headers.length; at += 2) headers[request.headers[at]] = request.headers[at + 1];
                        const out = http.request(origin + request.path, { method: request.method, headers });
                        out.on("error", (error) => (over(), listener.failed(toUpstreamError(error))));
                        out.on("response", (answer) => {
                            listener.head(answer.statusCode, answer.rawHeaders, () => {});
                            answer.on("data", (chunk) => listener.data(chunk));
                            answer.on("end", () => (over(), listener.finished()));
                        });
                        for await (const chunk of request.body) out.write(chunk);
                        out.end();
                    });
                    return;
                }
`;

/** The order of surgery on headers. */
const surgery: readonly Hole[] = [
  {
    name: "surgery-reversed",
    what: "the client's headers win over ours",
    changes: [
      dropsCookie,
      change(
        "proxy/http/exchange.js",
        addsCredentials,
        "const headers = prepared.headers.some((name) => name.toLowerCase() === 'cookie') ? prepared.headers : withCredentials(prepared.headers, { cookie, csrfToken, shown });",
      ),
    ],
    foundBy: ["H4-own-cookies", "C8-foreign-credential"],
  },
  {
    name: "connection-late",
    what: "what Connection names is taken off after our headers were added",
    changes: [
      change(
        "proxy/http/exchange.js",
        addsCredentials,
        `const added = withCredentials(prepared.headers, { cookie, csrfToken, shown });
        const listed = (this.#visit.request.headers.connection ?? "").toLowerCase().split(/[ ,]+/);
        const headers = added.filter((_, at) => !listed.includes(added[at - (at % 2)].toLowerCase()));`,
      ),
    ],
    foundBy: ["H3-connection-names"],
  },
  {
    name: "client-cookies",
    what: "the client's cookies go on beside ours",
    changes: [dropsCookie],
    foundBy: ["H4-own-cookies", "H4-own-cookies-upgrade"],
  },
  {
    name: "upstream-cookies",
    what: "the upstream's cookies reach the browser",
    changes: [change("proxy/http/rewrite-response.js", '    "set-cookie",\n', "")],
    foundBy: ["H7-cookies", "H7-cookies-by-status"],
  },
  {
    name: "aliases",
    what: "header names with underscores go on",
    changes: [change("proxy/http/rewrite-request.js", "return isPlainName(lowerName);", "return true;")],
    foundBy: ["H2-aliases"],
  },
  {
    name: "acting-headers",
    what: "a header of the upstream acts on the page's origin",
    changes: [change("proxy/http/rewrite-response.js", '    "clear-site-data",\n', "")],
    foundBy: ["H9-acting-headers"],
  },
  {
    name: "active-content",
    what: "HTML of the upstream runs as the app",
    changes: [
      change(
        "http/active-content.js",
        "return csp ? { csp: CONTAINED, attachment } : { attachment };",
        "return { attachment: false };",
      ),
    ],
    foundBy: ["H9-active-content", "C9-framing"],
  },
];

/** What is let in, and where to. */
const doors: readonly Hole[] = [
  {
    name: "no-site-guard",
    what: "requests of other sites pass",
    changes: [
      change(
        "http/site-guard.js",
        "const malformed = judgeForm(facts, policy);",
        "if (Date.now() > 0) return { pass: true, row: 0 };\n    const malformed = judgeForm(facts, policy);",
      ),
    ],
    foundBy: ["C1-forms", "W1-foreign-origin", "C7-logout-from-elsewhere"],
  },
  {
    name: "no-policy",
    what: "every method and path is offered",
    changes: [
      change(
        "proxy/admission.js",
        "const verdict = policy.judge(method, upgrade, path);",
        'const verdict = { allowed: true, routeClass: upgrade ? "engine" : "rest" };',
      ),
    ],
    foundBy: ["P9-denied-routes", "P8-unlisted-methods", "W6-unlisted-path"],
  },
  {
    name: "decode-after-match",
    what: "another path travels than was matched",
    changes: [
      change(
        "proxy/http/rewrite-request.js",
        "target: target.path +",
        'target: decodeURIComponent(target.path).replace("#", "%23") +',
      ),
    ],
    foundBy: ["P6-escapes-inside-ids"],
  },
  {
    name: "prefix-look-alike",
    what: "paths that only begin like the prefix are ours",
    changes: [
      change(
        "proxy/admission.js",
        'return prefix === "" || next === undefined ||',
        "return raw.length > 0 || next === undefined ||",
      ),
      change(
        "http/target.js",
        "return path.charCodeAt(prefix.length) === SLASH ? path.slice(prefix.length) : null;",
        'return path.slice(Math.max(0, path.indexOf("/", prefix.length)));',
      ),
    ],
    foundBy: ["P4-prefix-look-alikes"],
  },
  {
    name: "any-peer",
    what: "everybody may say who the user is",
    changes: [
      change("identity/trusted-header.js", "if (!believed(request.socket.remoteAddress))", "if (!believed)"),
    ],
    foundBy: ["A8-untrusted-peer"],
  },
  {
    name: "two-identities",
    what: "of two users the last one counts",
    changes: [
      change(
        "identity/trusted-header.js",
        "if (value === null || values[key] !== undefined)",
        "if (value === null)",
      ),
    ],
    foundBy: ["A8-two-identities"],
  },
  {
    name: "open-redirect",
    what: "the log-in page leads anywhere",
    changes: [change("proxy/own/own-answers.js", "return isListed &&", "return wanted !== own ||")],
    foundBy: ["R1-return-addresses"],
  },
];

/** What happens between the two sides. */
const exchanges: readonly Hole[] = [
  {
    name: "unframed-bodies",
    what: "bodies in chunks are sent on without framing",
    changes: [
      change(
        "upstream/http1/http1-client.js",
        "        const exchange = this.#exchangeOf(",
        `${unframedBody}        const exchange = this.#exchangeOf(`,
      ),
    ],
    foundBy: ["M1-chunks-of-delete", "M1-framing-in-connection"],
  },
  {
    name: "shared-connections",
    what: "all sessions share their connections to the upstream",
    changes: [change("proxy/http/exchange.js", "this.#send(session.key,", 'this.#send("shared",')],
    foundBy: ["X5-shared-connections"],
  },
  {
    name: "posts-sent-twice",
    what: "a request with effects is sent again when its connection breaks",
    changes: [
      change(
        "proxy/http/exchange.js",
        "isWithoutEffect(this.#visit.prepared.method) &&",
        "this.#mayReplay();",
      ),
      change("proxy/http/exchange.js", "\n            this.#body === null;\n", "\n"),
    ],
    foundBy: ["M8-closed-when-idle"],
  },
  {
    name: "cut-as-whole",
    what: "an answer that was cut is ended as if it were whole",
    changes: [change("proxy/http/exchange.js", "this.#sink.cut();", "this.#sink.end();")],
    foundBy: ["M5-cut-answers"],
  },
  {
    name: "tunnel",
    what: "bytes of an upgrade are piped before the upstream has said yes",
    changes: [
      change(
        "proxy/socket/socket-door.js",
        "            const outcome = await openUpstreamSocket(",
        `${blindSplice}            const outcome = await openUpstreamSocket(`,
      ),
    ],
    foundBy: ["W8-tunnel-behind-refusal", "W7-early-bytes"],
  },
  {
    name: "cookie-in-101",
    what: "a cookie of the upstream reaches the browser with a socket",
    changes: [
      change(
        "proxy/socket/upgrade.js",
        'for (const name of ["sec-websocket-accept",',
        'for (const name of ["set-cookie", "sec-websocket-accept",',
      ),
    ],
    foundBy: ["W9-cookie-in-101"],
  },
  {
    name: "unchecked-handshakes",
    what: "whatever the upstream answers to a handshake passes",
    changes: [change("proxy/socket/upgrade.js", "if (problem !== null) {", "if (problem === undefined) {")],
    foundBy: ["W9-false-answers"],
  },
  {
    name: "upgrades-with-bodies",
    what: "an upgrade may have a body",
    changes: [change("ws/handshake.js", "    if (hasBody(raw))", "    if (!raw && hasBody(raw))")],
    foundBy: ["W10-upgrade-with-body"],
  },
];

/** Every hole that can be planted. */
export const holes: readonly Hole[] = [...surgery, ...doors, ...exchanges];
