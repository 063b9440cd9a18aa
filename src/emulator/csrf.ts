import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const SALT_LENGTH = 8;

/** The CSRF secret of one session; every token made from it stays valid as long as the session (facts §3). */
export interface CsrfSecret {
  /** Makes a new token: 8 characters of salt, `-`, 27 of hash (facts §2.2). */
  mint(): string;
  /** Tells whether `token` was made from this secret. */
  verify(token: string | undefined): boolean;
}

function hash(secret: Buffer, salt: string): string {
  return createHmac("sha1", secret).update(salt).digest("base64url");
}

/** Creates the secret of a new session. */
export function createCsrfSecret(): CsrfSecret {
  const secret = randomBytes(18);
  return {
    mint() {
      // The salt must not hold the separator, so base64url is not enough.
      const salt = randomBytes(SALT_LENGTH / 2).toString("hex");
      return `${salt}-${hash(secret, salt)}`;
    },
    verify(token) {
      if (token === undefined || token.charAt(SALT_LENGTH) !== "-") return false;
      const expected = Buffer.from(hash(secret, token.slice(0, SALT_LENGTH)));
      const given = Buffer.from(token.slice(SALT_LENGTH + 1));
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
