// What `GET {prefix}/_session/auth-module.js` answers, as a script or as an ES module: the vendor's clients look for a module
// that they do not know among the globals.
import { authType, createAuthModule } from "./auth-module.ts";

const page = globalThis as Record<string, unknown>;
page[authType] ??= createAuthModule();
