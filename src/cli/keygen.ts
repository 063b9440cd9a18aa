import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identityProviderSteps } from "./identity-provider-steps.ts";
import { createKeyPair, type KeyAlgorithm, keyAlgorithms } from "./key-pair.ts";
import { parseFlags } from "./parse-arguments.ts";
import { complain, say, UsageError, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy keygen [--out DIR] [--alg RS256|RS512|ES384] [--json]

Makes a key pair for signing users in: DIR/private-key.pem (for you only, mode 0600) and
DIR/certificate.pem (for the tenant), and prints what goes where. Never overwrites a file.

  --out DIR     the working directory by default; made if it does not exist
  --alg ALG     RS256 by default
  --json        print {"keyId", "alg", "privateKeyFile", "certificateFile"} to standard output
  --help        this text`;

async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    out: { type: "string" },
    alg: { type: "string" },
    json: { type: "boolean" },
  });
  const alg = toAlgorithm(flags["alg"] ?? "RS256");
  const folder = typeof flags["out"] === "string" ? flags["out"] : ".";
  const files = {
    privateKeyFile: join(folder, "private-key.pem"),
    certificateFile: join(folder, "certificate.pem"),
  };
  const existing = Object.values(files).find((file) => existsSync(file));
  if (existing !== undefined)
    return fail(`${existing} exists already and is left as it is; choose another --out`);
  const { keyId, privateKey, certificate } = await createKeyPair(alg);
  try {
    await mkdir(folder, { recursive: true });
    // "wx" refuses a file that has come into being since the look above.
    await writeFile(files.privateKeyFile, privateKey, { mode: 0o600, flag: "wx" });
    await writeFile(files.certificateFile, certificate, { mode: 0o644, flag: "wx" });
  } catch (error) {
    return fail(`cannot write to ${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
  say(
    flags["json"] === true
      ? JSON.stringify({ keyId, alg, ...files })
      : instructions({ keyId, alg, certificate, ...files }),
  );
  return 0;
}

function toAlgorithm(value: unknown): KeyAlgorithm {
  const alg = keyAlgorithms.find((known) => known === value);
  if (alg === undefined)
    throw new UsageError(`--alg must be ${keyAlgorithms.join(", ")}, not "${String(value)}"`);
  return alg;
}

function fail(message: string): 1 {
  complain(`qlik-session-proxy: ${message}`);
  return 1;
}

interface Made {
  readonly keyId: string;
  readonly alg: KeyAlgorithm;
  readonly certificate: string;
  readonly privateKeyFile: string;
  readonly certificateFile: string;
}

const instructions = ({ keyId, alg, certificate, privateKeyFile, certificateFile }: Made): string => `Made:
  ${privateKeyFile}   private key, mode 0600: stays here
  ${certificateFile}   certificate: goes to the tenant

1. ${identityProviderSteps({ certificateFile, keyId, issuer: "a name of your choice, such as acme-portal" }).join("\n   ")}

2. In the configuration of the proxy:
     tenant:
       signingKeys:
         - issuer: acme-portal            # exactly as in step 1
           keyId: "${keyId}"
           privateKeyFile: ${privateKeyFile}
           certificateFile: ${certificateFile}${alg === "RS512" ? "\n           alg: RS512" : ""}

${certificate.trimEnd()}`;

/** Makes a key pair for signing users in. */
export const keygen: Verb = { help, run };
