import { chmodSync } from "node:fs";
import { join } from "node:path";
import { changed, type Symptom } from "./symptom.ts";

const loginPath = "/login/jwt-session";

/** Symptoms of this machine and of the way to the tenant, each with its cause. */
export const waySymptoms: readonly Symptom[] = [
  {
    row: "–",
    what: "the tenant breaks down",
    broken: "the login answers 503",
    step: "login",
    cause: "tenant-down",
    arrange: ({ tenant }) => tenant.fault({ path: loginPath, kind: "status", status: 503 }),
  },
  {
    row: "–",
    what: "the tenant is silent",
    broken: "nothing is answered",
    step: "tenant",
    cause: "tenant-down",
    arrange: (world) => {
      changed("login: 15s", "login: 300ms")(world);
      world.tenant.fault({ kind: "silence" });
    },
  },
  {
    row: "–",
    what: "a name that leads nowhere",
    broken: "tenant.origin has a host that does not exist",
    step: "dns",
    cause: "unknown-host",
    arrange: changed(/origin: http\S+\n {2}\n/, "origin: http://acme.invalid\n"),
  },
  {
    row: "–",
    what: "nothing listens at the tenant's address",
    broken: "tenant.origin has a port where nothing listens",
    step: "tcp",
    cause: "connection-refused",
    arrange: changed(/origin: http:\/\/acme\S+/, "origin: http://acme.localhost:1"),
  },
  {
    row: "–",
    what: "TLS: an authority that nobody knows",
    broken: "the tenant's own certificate is not named in tenant.caFile",
    step: "tls",
    cause: "unknown-authority",
    world: { tenant: { plainHttp: false } },
    arrange: changed("caFile: tenant.pem", ""),
  },
  {
    row: "–",
    what: "TLS: a certificate for another name",
    broken: "tenant.origin has a name that the certificate does not",
    step: "tls",
    cause: "other-name",
    world: { tenant: { plainHttp: false } },
    arrange: changed(/https:\/\/acme\.localhost/, "https://other.localhost"),
  },
  {
    row: "–",
    what: "TLS: what answers does not speak it",
    broken: "tenant.origin says https, and plain HTTP answers",
    step: "tls",
    cause: "no-tls",
    arrange: changed("origin: http:", "origin: https:"),
  },
  {
    row: "–",
    what: "a private key that everybody can read",
    broken: "the file of the key has mode 644",
    step: "key",
    cause: "readable-secret",
    outcome: "warned",
    arrange: ({ folder }) => chmodSync(join(folder.path, "key.pem"), 0o644),
    names: /chmod 600/,
  },
  {
    row: "–",
    what: "a key that is mistyped",
    broken: "the configuration has publicOrign",
    step: "configuration",
    cause: "wrong-configuration",
    arrange: changed("publicOrigin:", "publicOrign:"),
    names: /publicOrigin/,
  },
  {
    row: "–",
    what: "a port that is taken",
    broken: "another program listens on the proxy's port",
    step: "listeners",
    cause: "address-in-use",
    arrange: (world) => {
      world.config = world.config.replace("127.0.0.1:0", `127.0.0.1:${world.tenant.port}`);
    },
  },
  {
    row: "–",
    what: "a store that cannot be reached",
    broken: "session.store names a port where nothing listens",
    step: "store",
    cause: "store-unreachable",
    arrange: (world) => {
      world.folder.write("secret", "0123456789abcdef0123456789abcdef\n");
      world.config += "session: { secretFile: secret, store: 'redis://127.0.0.1:1' }\n";
    },
  },
];
