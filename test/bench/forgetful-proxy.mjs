// Forgets to replace the browser's cookie.
import { startProxy } from "./plain-proxy.mjs";

startProxy({ cookieFor: (own) => own });
