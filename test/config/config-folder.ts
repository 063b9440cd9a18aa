import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OptionsError } from "../../src/errors.ts";
import { revealed, Secret } from "../../src/kernel/secret.ts";
import { type ConfigSources, type LoadedConfig, loadServerConfig } from "../../src/server/config/load.ts";

/** A folder with a key and whatever else a test writes; `remove` takes it away. */
export interface ConfigFolder {
  readonly path: string;
  write(name: string, text: string, mode?: number): string;
  remove(): void;
}

const key: KeyObject = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

/** A private key in PEM. */
export const privateKeyPem: string = String(key.export({ type: "pkcs8", format: "pem" }));

/** Makes a folder that holds `key.pem`, for its owner only. */
export function createConfigFolder(): ConfigFolder {
  const path = mkdtempSync(join(tmpdir(), "qsp-config-"));
  const folder: ConfigFolder = {
    path,
    write(name, text, mode = 0o600) {
      const file = join(path, name);
      writeFileSync(file, text);
      chmodSync(file, mode);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
  folder.write("key.pem", privateKeyPem);
  return folder;
}

/** A configuration that is right; the key file is beside it. */
export const rightConfig = `
publicOrigin: https://portal.example.com
tenant:
  origin: https://acme.eu.qlikcloud.com
  signingKeys:
    - { issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }
identity:
  trustedHeader: { from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email }
`;

/** The session secrets of a configuration. */
export const secretsOf = ({ options }: LoadedConfig["config"]): readonly string[] =>
  [options.secret ?? []].flat().map(revealed);

/** Where a configuration keeps sessions. */
export const storeOf = ({ options: { store } }: LoadedConfig["config"]): string | undefined =>
  typeof store === "string" || store instanceof Secret ? revealed(store) : undefined;

/** The problems of a configuration as lines; empty when it is right. */
export function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  const result = load(sources);
  return result instanceof OptionsError
    ? result.problems.map(({ path, message }) => `${path}: ${message}`)
    : [];
}

/** A configuration that must be right. */
export function loaded(sources: Partial<ConfigSources>): LoadedConfig {
  const result = load(sources);
  if (result instanceof OptionsError) throw result;
  return result;
}

function load(sources: Partial<ConfigSources>): LoadedConfig | OptionsError {
  try {
    return loadServerConfig({ environment: {}, ...sources });
  } catch (error) {
    if (error instanceof OptionsError) return error;
    throw error;
  }
}
