// The module `embed-vanilla@v1` of the local tenant: mounts one embedded UI into a page's element.
import * as stardust from "@nebula.js/stardust";
import { mountVanillaEmbedComponent } from "./mounted-component.ts";
import { runtime } from "./runtime.ts";

const { provided } = runtime();
provided.stardust = stardust;
provided.embed = { mountVanillaEmbedComponent };
