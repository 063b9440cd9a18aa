import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { type ServerConfig, loadServerConfig } from "../../src/server/config/load.ts";
import { OptionsError } from "../../src/errors.ts";
import { type ConfigFolder, privateKeyPem } from "../config/config-folder.ts";
import { repository } from "../architecture/fixture-tree.ts";

/** A file below deploy/. */
export const deployFile = (path: string): string => join(repository, "deploy", path);

export const readDeployFile = (path: string): string => readFileSync(deployFile(path), "utf8");

export const readYaml = (path: string): unknown => parse(readDeployFile(path), { merge: true });

/** The only object of a manifest; its type is checked by the compiler in a test. */
export function readManifest<Manifest>(name: string): Manifest {
  const documents = parseAllDocuments(readDeployFile(`kubernetes/${name}.yaml`));
  const [document, ...others] = documents;
  if (document === undefined || others.length > 0) throw new Error(`${name} is not one document`);
  return document.toJS() as Manifest;
}

/** What the files of secrets hold, by the ends of their names. */
const secretTexts: Readonly<Record<string, string>> = {
  "private-key.pem": privateKeyPem,
  "session-secret": "a-secret-of-thirty-two-bytes-or-so",
  "admin-token": "0123456789abcdef0123456789abcdef",
  store: "rediss://proxy:a-password@valkey:6379",
};

/** Loads a configuration of deploy/, with the secrets that it names in a folder. */
export function loadDeployConfig(path: string, folder: ConfigFolder): ServerConfig {
  for (const [name, text] of Object.entries(secretTexts)) folder.write(name, text);
  const text = readDeployFile(path).replaceAll(/(File: )\/\S*\/([\w.-]+)/g, `$1${folder.path}/$2`);
  try {
    return loadServerConfig({ file: folder.write("proxy.yaml", text), environment: {} }).config;
  } catch (error) {
    if (error instanceof OptionsError)
      throw new Error(error.problems.map(String).join("\n"), { cause: error });
    throw error;
  }
}

/** How long what comes after a drain may take: sockets, the last snapshot of a store. Seconds. */
const afterTheDrain = 5;

/** The longest that a server with this configuration takes to stop. Seconds. */
export const longestStop = ({ drain: { delay, deadline } }: Pick<ServerConfig, "drain">): number =>
  (delay + deadline) / 1000 + afterTheDrain;
