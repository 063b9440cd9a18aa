import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createKeyPair, type KeyAlgorithm, keyIdOf, type KeyPair } from "../key-pair.ts";
import { fileNames, type PairPlace } from "./config-text.ts";

/** The pair that the configuration names. */
export interface SigningPair extends KeyPair, PairPlace {
  /** False for one that was there before. */
  readonly isNew: boolean;
}

/** Thrown where the files of a pair that are there cannot be used; the message is for the operator. */
export class UnusablePairError extends Error {
  override readonly name = "UnusablePairError";
}

/** Where a pair is looked for: where it would be made, and where `keygen` puts it without being told. */
const places: readonly PairPlace[] = ["keys/", ""].map((prefix) => ({
  privateKeyFile: prefix + fileNames.privateKey,
  certificateFile: prefix + fileNames.certificate,
}));

/** Takes the pair that `keygen` left in a folder, or makes one. @throws UnusablePairError */
export async function findOrMakePair(folder: string, alg: KeyAlgorithm): Promise<SigningPair> {
  for (const place of places) {
    const [privateKeyFile, certificateFile] = [place.privateKeyFile, place.certificateFile].map((name) =>
      join(folder, name),
    ) as [string, string];
    const there = [privateKeyFile, certificateFile].filter((file) => existsSync(file));
    if (there.length === 1)
      throw new UnusablePairError(
        `${there[0]} is there without its other half; move it away, or add the other`,
      );
    if (there.length === 2) return { ...readPair(privateKeyFile, certificateFile), ...place, isNew: false };
  }
  return { ...(await createKeyPair(alg)), ...(places[0] as PairPlace), isNew: true };
}

function readPair(privateKeyFile: string, certificateFile: string): KeyPair {
  try {
    const privateKey = readFileSync(privateKeyFile, "utf8");
    const certificate = readFileSync(certificateFile, "utf8");
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey)))
      throw new UnusablePairError(`${certificateFile} does not belong to ${privateKeyFile}`);
    return { privateKey, certificate, keyId: keyIdOf(parsed.publicKey, new Date(parsed.validFrom)) };
  } catch (error) {
    if (error instanceof UnusablePairError) throw error;
    throw new UnusablePairError(
      `${privateKeyFile} and ${certificateFile} cannot be read as key and certificate`,
    );
  }
}
