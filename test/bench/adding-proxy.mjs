// Sends the right cookie, and the browser's own beside it.
import { startProxy } from "./plain-proxy.mjs";

startProxy({ cookieFor: (own, right) => `${own}; ${right}` });
