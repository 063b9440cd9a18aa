import * as v from "valibot";
import { list, text } from "../../options/schema.ts";

const optionalText = (): v.GenericSchema<string | undefined> => v.optional(text());

/** The keys of the identity source oidc. */
export const oidcSchema: v.GenericSchema = v.object(
  {
    issuer: text(),
    clientId: text(),
    clientSecret: optionalText(),
    clientSecretFile: optionalText(),
    scopes: v.optional(list()),
    afterLogout: optionalText(),
    claims: v.optional(
      v.object(
        {
          subject: optionalText(),
          name: optionalText(),
          email: optionalText(),
          emailVerified: optionalText(),
          groups: optionalText(),
          groupsSeparator: optionalText(),
        },
        "must be an object",
      ),
    ),
  },
  "must be an object",
);
