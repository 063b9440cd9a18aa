import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

/** Turns text into a form that only the holder of a secret can read, and back. */
export interface Seal {
  /** Seals a text for the place `name`. */
  seal(name: string, text: string): string;
  /**
   * Opens what was sealed for the same place; null where it was sealed elsewhere, with an unknown secret, or changed.
   * `isCurrent` is false where an older secret opened it, so that it should be sealed anew.
   */
  open(name: string, sealed: string): { readonly text: string; readonly isCurrent: boolean } | null;
}

/** A seal whose secrets can be replaced. */
export interface RotatingSeal extends Seal {
  /** From now on the first of these seals, and all of them open; what was sealed with others is lost. */
  rotate(secrets: readonly [string, ...string[]]): void;
}

/** Names the form, so that a later one can be told apart. */
const form = "q1";

const nonceBytes = 12;
const tagBytes = 16;
/** Bytes of a key id: enough to tell the few secrets of a rotation apart. */
const idBytes = 6;

/** Keys derived lately; deriving one costs about as much as sealing a document. */
const mostKeys = 4096;

/**
 * Creates a seal: AES-256-GCM with a key that HKDF-SHA256 derives from the secret for each place. The first secret seals,
 * all of them open. A text that is moved to another place does not open there. @see RFC 5869, NIST SP 800-38D
 */
export function createSeal(secrets: readonly [string, ...string[]]): Seal {
  const rings = secrets.map(createRing);
  const [first] = rings as [Ring, ...Ring[]];
  return {
    seal(name, text) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", first.keyFor(name), nonce);
      cipher.setAAD(Buffer.from(`${form}.${first.id}.${name}`));
      const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${form}.${first.id}.${sealed.toString("base64url")}`;
    },
    open(name, sealed) {
      const [usedForm, id, body = "", ...rest] = sealed.split(".");
      const ring = rings.find((each) => each.id === id);
      if (usedForm !== form || rest.length > 0 || ring === undefined) return null;
      const text = opened(ring, name, Buffer.from(body, "base64url"));
      return text === null ? null : { text, isCurrent: ring === first };
    },
  };
}

/** Creates a seal whose secrets can be replaced while it is in use. */
export function createRotatingSeal(secrets: readonly [string, ...string[]]): RotatingSeal {
  let current = createSeal(secrets);
  return {
    seal: (name, text) => current.seal(name, text),
    open: (name, sealed) => current.open(name, sealed),
    rotate(next) {
      current = createSeal(next);
    },
  };
}

interface Ring {
  readonly id: string;
  keyFor(name: string): Buffer;
}

function createRing(secret: string): Ring {
  const keys = new Map<string, Buffer>();
  return {
    id: createHash("sha256")
      .update(`qlik-session-proxy key id\0${secret}`)
      .digest("hex")
      .slice(0, idBytes * 2),
    keyFor(name) {
      const known = keys.get(name);
      if (known) return known;
      const key = Buffer.from(hkdfSync("sha256", secret, name, "qlik-session-proxy sealed document", 32));
      keys.set(name, key);
      if (keys.size > mostKeys) keys.delete(keys.keys().next().value ?? name);
      return key;
    },
  };
}

function opened(ring: Ring, name: string, bytes: Buffer): string | null {
  if (bytes.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv("aes-256-gcm", ring.keyFor(name), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(`${form}.${ring.id}.${name}`));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    const text = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes));
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}
