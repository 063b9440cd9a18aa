// What each key of the configuration is, in words: for the reference page and for editors that read the JSON Schema.
// Names, types, ranges and defaults are not said here: they are read from the schema.

/** Where a source that reads claims finds each part of the identity. */
const claimNotes = (source, entries) =>
  Object.fromEntries(
    Object.entries(entries).map(([key, note]) => [`identity.${source}.claims.${key}`, note]),
  );

const claims = {
  subject: "Claim with the subject, also as a way: `user.id`.",
  name: "Claim with the user's name.",
  email: "Claim with the e-mail address, which Qlik Cloud documents as required.",
  emailVerified: "Claim that says whether the e-mail address is verified.",
  groups: "Claim with the groups: an array of texts, unless `groupsSeparator` is given.",
  groupsSeparator: "What stands between two groups in that claim.",
};

const tenantClaim = {
  tenant: "Claim with what `match.claim` of one of several tenants says; not looked at without it.",
};

const sessionId = {
  sessionId: "Claim with the id of the user's session: a log-out then ends that one alone.",
};

/** One sentence or a few for each key, without its type, range and default; `…File` keys follow from their partner. */
const ownNotes = {
  listen: "Where the public listener is: an address with a port, or `unix:/path`.",
  prefix: 'Path below which the proxy lives, without a slash at the end; `"/"` is the root mount.',
  publicOrigin: "Origin that the browser sees, exactly as browsers write it: scheme, host, port if unusual.",
  allowedOrigins: "Exact origins whose pages may use the proxy, beside `publicOrigin`, which always may.",
  allowMissingOrigin:
    "Whether requests without an Origin, from clients that are no browsers, may change things.",
  trustedProxies:
    "Addresses and CIDR ranges of front doors whose `X-Forwarded-For` counts; never every address.",
  frameAncestors: "Who may frame the tenant's pages: `self`, `none` alone, or origins.",
  "root.takeLogin":
    "Whether `/login` and `/logout` are the proxy's at the root mount; below a prefix they always are.",
  "root.ownHost":
    "Whether nothing of your application is served at `publicOrigin`, a host name of the proxy's own. Pages of the tenant may then run there (preset `classic`). Your application's origin goes into `allowedOrigins`.",
  "tls.cert": "Certificate chain of the public listener, PEM. Without `tls` it speaks plain HTTP.",
  "tls.key": "Private key of that certificate, PEM without a passphrase.",
  http2: "With `tls`: HTTP/2 beside HTTP/1.1 on the public listener. WebSockets stay on HTTP/1.1.",
  "admin.listen":
    "Where the private listener is, another address than `listen`. Without `admin` there is none.",
  "admin.token":
    "What operators send as a bearer token. Without it the private listener has its probes and nothing else.",
  "admin.webhookSecret": "What events that end sessions are signed with.",
  "edge.listen":
    "Where an edge asks for verdicts and credentials: a unix socket for the group of its file, or a private address.",
  "edge.token":
    "What the edge sends as `X-QSP-Edge-Token`; another secret than those of `admin`. Without `edge` there is no such listener.",
  workers: "Processes that share the work.",
  replicas: "How many processes serve the tenant; told only to be warned of a store that they do not share.",
  "tenant.origin": "Origin of the tenant, such as `https://acme.eu.qlikcloud.com`: no path.",
  "tenant.ca": "Certificate authority that is trusted beside the system's for the tenant, PEM.",
  "tenant.profileFile":
    "What `doctor --learn` has found out of the tenant; its limits hold where none are configured.",
  "tenant.kind":
    "How users are signed in: `qlik-cloud-jwt`, `qlik-cloud-oauth` or `qlik-sense-jwt`. What is said to be of one kind is refused with another.",
  "tenant.sessionIdle":
    "Idle time after which the tenant itself ends a session. Not with `qlik-cloud-oauth`, whose tokens end when they say so.",
  "tenant.sessionLifetime":
    "Age at which the tenant itself ends a session. What a token says of its own end counts where it is sooner.",
  "tenant.clientId": "Id of the OAuth client. Of `qlik-cloud-oauth`, which needs it.",
  "tenant.clientSecret": "Secret of the OAuth client. Of `qlik-cloud-oauth`, which needs it.",
  "tenant.scope": "What tokens are good for, with spaces between several. Of `qlik-cloud-oauth`.",
  "tenant.userLookup":
    "Whether the subject of an identity is the `subject` of a user of the tenant, or its `userId`. Of `qlik-cloud-oauth`.",
  "tenant.virtualProxy": "Prefix of the virtual proxy, without slashes. Of `qlik-sense-jwt`.",
  "tenant.sessionCookie": "Name of its session cookie. Of `qlik-sense-jwt`.",
  "tenant.userDirectory":
    "The user directory that the host's users are in. Of `qlik-sense-jwt`, which needs it.",
  "tenant.userIdClaim": "The claim that the virtual proxy takes the user's id from. Of `qlik-sense-jwt`.",
  "tenant.userDirectoryClaim":
    "The claim that the virtual proxy takes the user directory from. Of `qlik-sense-jwt`.",
  "tenant.socketOrigin":
    "Origin that upgrades name: one of the virtual proxy's host allow list. Of `qlik-sense-jwt`.",
  "tenant.signingKeys[].issuer": "The issuer, as the tenant's identity provider has it.",
  "tenant.signingKeys[].keyId": "The key id, as the tenant's identity provider has it.",
  "tenant.signingKeys[].privateKey":
    "Private key that signs users in, PEM. The first of the list signs; at least one is needed.",
  "tenant.signingKeys[].certificate":
    "Its certificate, PEM; only to find out at the start that the two belong together.",
  "tenant.signingKeys[].alg": "`RS256`, `RS384`, `RS512`, `ES256` or `ES384`.",
  "identity.trustedHeader.from":
    "Addresses and CIDR ranges whose identity headers count, `edge:` for requests that an edge asks about; everybody else's are dropped.",
  "identity.trustedHeader.subject": "Header with the subject: who the user is.",
  "identity.trustedHeader.name": "Header with the user's name.",
  "identity.trustedHeader.email": "Header with the e-mail address, which Qlik Cloud documents as required.",
  "identity.trustedHeader.emailVerified": "Header that says `true` or `false` of the e-mail address.",
  "identity.trustedHeader.groups":
    "Header with the groups: a JSON array of texts, unless `groupsSeparator` is given.",
  "identity.trustedHeader.groupsSeparator": "What stands between two groups in that header.",
  "identity.trustedHeader.sessionId":
    "Header with the id of the user's session in your application: a log-out then ends that one alone.",
  "identity.trustedHeader.tenant":
    "Header with what `match.claim` of one of several tenants says; not looked at without it.",
  "identity.bearer.header": "Header with the token, such as `Authorization`.",
  "identity.bearer.cookie": "Cookie with the token, in the place of a header.",
  "identity.bearer.jwksUrl": "Where the keys are that tokens are checked with.",
  "identity.bearer.jwksCooldown":
    "How long keys are not asked for again because of a key id that is not known.",
  "identity.bearer.publicKey": "One key that tokens are checked with, or its certificate, PEM.",
  "identity.bearer.issuer": "What `iss` of a token has to be, letter for letter.",
  "identity.bearer.audience": "What has to be in `aud` of a token.",
  ...claimNotes("bearer", { ...claims, ...sessionId, ...tenantClaim }),
  "identity.whoami.url": "The address of your application that says who sent a request.",
  "identity.whoami.forwardHeaders": "The headers of a request that are sent on; nothing else of it is.",
  "identity.whoami.forwardCookies": "The cookies of a request that are sent on.",
  "identity.whoami.cacheFor": "How long an answer is taken for true.",
  "identity.whoami.timeout": "For a question and its answer.",
  "identity.whoami.concurrency": "Questions at once; others wait.",
  ...claimNotes("whoami", { ...claims, ...sessionId, ...tenantClaim }),
  "identity.oidc.issuer": "The provider's issuer, letter for letter; its metadata are read below it.",
  "identity.oidc.clientId": "What the provider calls the proxy.",
  "identity.oidc.clientSecret": "The secret that the provider gave to the proxy.",
  "identity.oidc.scopes": "What is asked for; `openid` has to be among it.",
  "identity.oidc.afterLogout": "Where the provider leads people whom it has logged out.",
  ...claimNotes("oidc", claims),
  "session.secret":
    "Seals what the store holds: each line one text of 32 bytes or more, the first seals, all open. Needed for every store but `memory`.",
  "session.store":
    "Where sessions are kept: `memory`, `file:DIR`, `redis://…`, `rediss://…`, `redis+sentinel://…`, `redis+cluster://…`.",
  "session.storeCa": "Certificate authority that is trusted beside the system's for a Redis with TLS, PEM.",
  "session.storeGrace": "How long known live sessions are served while the store is away.",
  "session.idleTimeout": "Time without use after which a session ends.",
  "session.maxLifetime": "Age at which a session is replaced by a new one.",
  "session.renewBefore": "How long before its end the tenant's session is renewed in the background.",
  "session.revalidate": "How old the word of the identity source may be for an open socket.",
  "policy.presets": "Names of [route sets](presets.md).",
  "policy.allow":
    'Rules beside the presets, such as `"GET /api/v1/items/**"`; paths as the tenant sees them.',
  "policy.deny": "Rules that win over everything.",
  "timeouts.connect": "For a connection to the tenant, TLS included.",
  "timeouts.headers": "For the head of the tenant's answer.",
  "timeouts.bodyIdle": "Between two pieces of a body.",
  "timeouts.login": "For a whole login at the tenant.",
  "timeouts.store": "For one call of the store.",
  "timeouts.socketIdle": "Without a byte on a WebSocket, before it is closed.",
  "timeouts.drainDelay": "At the start of a drain, while everything is still served.",
  "timeouts.drain": "For what is in flight in a drain.",
  "limits.socketsPerSession": "Open WebSockets of one session.",
  "limits.sockets": "Open WebSockets of all sessions of the process; 16384 take some 200 MiB at rest.",
  "limits.requestBody": "Longest request body.",
  "limits.replayBody": "Longest request body that is kept to be sent again after a renewal.",
  "limits.loginsPerMinute": "Logins at the tenant in a minute; the default is the tenant's own limit.",
  "upstream.perSession": "Connections to the tenant of one session; the default is what a browser opens.",
  "upstream.idle": "How long an unused connection to the tenant is kept.",
  "upstream.idleTotal": "Unused connections of all sessions.",
  "upstream.total": "Connections of all sessions.",
  "upstream.client": "Who speaks HTTP/1.1 to the tenant: see [the two clients](upstream.md).",
  "unsafe.plainHttpTenant":
    "Lets `tenant.origin` be http. For local work, refused with `NODE_ENV=production`.",
  "unsafe.plainHttpPublic":
    "Lets `publicOrigin` and `allowedOrigins` be http. For local work, refused with `NODE_ENV=production`.",
  "unsafe.foreignScriptOnAppOrigin":
    "Lets pages of the tenant run their scripts with all rights of your application. Refused with `NODE_ENV=production`.",
};

/** What one of several tenants has beside the keys of `tenant`. */
const ownOfTenants = {
  "tenants[].name": "Name of the tenant in metrics and lists of sessions.",
  "tenants[].match.host": "Host that the browser names, with its port where that is unusual.",
  "tenants[].match.prefix": "Path below which the tenant lives.",
  "tenants[].match.claim": "What the identity source says in `tenant`.",
  "tenants[].publicOrigin": "With `match.host`: origin that the browser sees.",
};

/** Of one of several tenants a key means what it means of the only one, and what it means of all. */
const sharedOfTenants = Object.fromEntries(
  Object.entries(ownNotes).flatMap(([name, note]) => {
    if (name.startsWith("tenant.")) return [[name.replace("tenant.", "tenants[]."), note]];
    if (name.startsWith("policy.")) return [[`tenants[].${name}`, `In the place of \`policy\`. ${note}`]];
    return name.startsWith("limits.") ? [[`tenants[].${name}`, `In the place of \`${name}\`.`]] : [];
  }),
);

export const notes = { ...ownNotes, ...ownOfTenants, ...sharedOfTenants };

/** The names that OpenID Connect gives to claims, which bearer tokens have too. */
const openIdDefaults = (source) => ({
  [`identity.${source}.claims.subject`]: "`sub`",
  [`identity.${source}.claims.name`]: "`name`",
  [`identity.${source}.claims.email`]: "`email`",
  [`identity.${source}.claims.emailVerified`]: "`email_verified`",
  [`identity.${source}.claims.groups`]: "`groups`",
});

/** Defaults that are made of other keys, or that a value does not show. */
const ownDefaults = {
  ...openIdDefaults("bearer"),
  ...openIdDefaults("oidc"),
  ...Object.fromEntries(
    ["subject", "name", "email", "emailVerified", "groups", "sessionId"].map((part) => [
      `identity.whoami.claims.${part}`,
      `\`${part}\``,
    ]),
  ),
  "identity.bearer.header": "`Authorization`",
  "identity.bearer.claims.sessionId": "`sid`",
  "identity.whoami.forwardHeaders": "`[cookie]`",
  "identity.whoami.forwardCookies": "all",
  "identity.oidc.scopes": "`[openid, profile, email]`",
  "identity.oidc.afterLogout": "the provider's own page",
  http2: "`false`",
  workers: "`1`",
  "admin.webhookSecret": "`admin.token`",
  "tenant.sessionIdle": "`30m`",
  "tenant.sessionLifetime": "`24h`; with `qlik-cloud-oauth` `6h`",
  "timeouts.login": "`10s`; with `qlik-sense-jwt` `30s`",
  "tenant.scope": "`user_default`",
  "tenant.userLookup": "`subject`",
  "tenant.virtualProxy": "`jwt`",
  "tenant.sessionCookie": "`X-Qlik-Session-jwt`",
  "tenant.userIdClaim": "`userId`",
  "tenant.userDirectoryClaim": "`userDirectory`",
  "tenant.socketOrigin": "`tenant.origin`",
  "tenant.signingKeys[].alg": "RSA: `RS256`; P-256: `ES256`; P-384: `ES384`",
  "identity.trustedHeader.from": "`trustedProxies`",
  "session.store": "`memory`",
  "session.renewBefore":
    "`2m`, or a quarter of the shorter of `session.maxLifetime` and `tenant.sessionLifetime`",
};

export const defaultsInWords = {
  ...ownDefaults,
  publicOrigin: "**required**, but for tenants by host",
  "tenants[].publicOrigin": "`https://` and the host",
  "tenants[].kind": ownDefaults["tenant.kind"],
  "tenants[].signingKeys[].alg": ownDefaults["tenant.signingKeys[].alg"],
  ...Object.fromEntries(
    Object.keys(sharedOfTenants)
      .filter((name) => /^tenants\[\]\.(?:policy|limits)\./.test(name))
      .map((name) => [name, "that of all"]),
  ),
};

/** Objects of which exactly one part is given. */
export const exactlyOneOf = new Set(["identity", "tenants[].match"]);

/** Of these sets of keys of the whole, one is there as a whole. */
export const oneOfSets = [["publicOrigin", "tenant"], ["tenants"]];

/** Keys, or whole objects and lists, that a reload takes; everything else waits for a restart. rules R15 */
export const reloaded = [
  "allowMissingOrigin",
  "allowedOrigins",
  "frameAncestors",
  "trustedProxies",
  "tls",
  "admin.token",
  "admin.webhookSecret",
  "tenant.clientSecret",
  "tenant.signingKeys",
  "tenants[].clientSecret",
  "tenants[].signingKeys",
  "tenants[].policy",
  "identity",
  "session.secret",
  "policy",
];
