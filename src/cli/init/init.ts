import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { OptionsError } from "../../errors.ts";
import { loadServerConfig } from "../../server/config/load.ts";
import { type KeyAlgorithm, keyAlgorithms } from "../key-pair.ts";
import { parseFlags } from "../parse-arguments.ts";
import { complain, say, UsageError, type Verb } from "../verb.ts";
import { configText, fileNames } from "./config-text.ts";
import { instructions } from "./instructions.ts";
import { findOrMakePair, type SigningPair, UnusablePairError } from "./signing-pair.ts";
import { collectWishes, wishFlags, type Wishes } from "./wishes.ts";
import { type NewFile, NotWrittenError, writeNewFiles } from "./write-new-files.ts";

const help = `Usage: qlik-session-proxy init [--out DIR] [--yes] [--tenant URL] [--public-origin URL] ...

Writes a configuration, the key pair that signs users in, and the secrets it needs, and prints what to paste where in
Qlik Cloud. Asks for what no flag says. Takes a key pair that "keygen --out DIR/keys" has made. Never overwrites a file:
all of them are written, or none.

  --tenant URL          the tenant, such as https://acme.eu.qlikcloud.com
  --public-origin URL   your application as browsers see it, such as https://portal.example.com
  --issuer NAME         a name for your application; the host name of --public-origin by default
  --identity SOURCE     who says who the user is: trustedHeader (by default), bearer, whoami, oidc
  --listen ADDRESS      127.0.0.1:8787 by default
  --out DIR             the working directory by default; made if it does not exist
  --alg ALG             algorithm of a new key: RS256 (by default), RS512, ES384
  --yes                 ask nothing: what no flag says gets its default
  --json                print {"files", "issuer", "keyId"} to standard output
  --help                this text`;

async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    ...Object.fromEntries(wishFlags.map((flag) => [flag, { type: "string" as const }])),
    out: { type: "string" },
    alg: { type: "string" },
    yes: { type: "boolean" },
    json: { type: "boolean" },
  });
  const alg = keyAlgorithms.find((known) => known === (flags["alg"] ?? "RS256"));
  if (alg === undefined) throw new UsageError(`--alg must be ${keyAlgorithms.join(", ")}`);
  const folder = typeof flags["out"] === "string" ? flags["out"] : ".";
  const wishes = await collectWishes(flags, flags["yes"] === true);
  try {
    return await make({ wishes, folder, alg, json: flags["json"] === true });
  } catch (error) {
    const isForOperator =
      error instanceof NotWrittenError || error instanceof UnusablePairError || error instanceof OptionsError;
    if (!isForOperator) throw error;
    complain(`qlik-session-proxy: nothing was written: ${error.message}`);
    return 1;
  }
}

interface Order {
  readonly wishes: Wishes;
  readonly folder: string;
  readonly alg: KeyAlgorithm;
  readonly json: boolean;
}

async function make({ wishes, folder, alg, json }: Order): Promise<number> {
  const pair = await findOrMakePair(folder, alg);
  const config = configText(wishes, pair);
  const fresh = newFiles(wishes, pair, config);
  // A pair that is there takes part in the check, but is not written again.
  const kept = pair.isNew ? [] : keyFiles(pair);
  writeNewFiles(folder, fresh, (draft) => {
    if (kept.length > 0) writeNewFiles(draft, kept, () => {});
    loadServerConfig({ file: join(draft, fileNames.config), environment: {} });
  });
  const written = fresh.map(({ name }) => join(folder, name));
  const { issuer } = wishes;
  if (json) say(JSON.stringify({ files: written, issuer, keyId: pair.keyId }));
  else say(instructions({ folder, written, wishes, pair }));
  return 0;
}

const keyFiles = (pair: SigningPair): readonly NewFile[] => [
  { name: pair.privateKeyFile, text: pair.privateKey, mode: 0o600 },
  { name: pair.certificateFile, text: pair.certificate, mode: 0o644 },
];

/** Bytes of a secret that nobody has to remember. */
const secretBytes = 32;

const secretFile = (name: string): NewFile => ({
  name,
  text: `${randomBytes(secretBytes).toString("hex")}\n`,
  mode: 0o600,
});

const newFiles = ({ identity }: Wishes, pair: SigningPair, config: string): readonly NewFile[] => [
  { name: fileNames.config, text: config, mode: 0o644 },
  ...(pair.isNew ? keyFiles(pair) : []),
  secretFile(fileNames.sessionSecret),
  secretFile(fileNames.adminToken),
  // Wrong until the operator puts the right one there: a random text opens nothing.
  ...(identity === "oidc" ? [secretFile(fileNames.oidcClientSecret)] : []),
];

/** Writes a configuration and its keys. */
export const init: Verb = { help, run };
