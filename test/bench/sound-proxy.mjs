// Has no fault.
import { startProxy } from "./plain-proxy.mjs";

startProxy({});
