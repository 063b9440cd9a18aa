import { jsonAnswer, notFoundAnswer, type Answer } from "../answer.ts";
import type { SignedInExchange } from "../exchange.ts";
import { rest, type Route } from "../router.ts";

const theme = {
  id: "local-light",
  name: "Local light",
  author: "local tenant",
  version: "1.0.0",
  file: { path: "theme.json" },
};

const themeJson = { _inherits: true, dataColors: { primaryColor: "#2c6f9f", othersColor: "#a9a9a9" } };

const extension = {
  id: "local-hello",
  name: "local-hello",
  qextFilename: "local-hello",
  type: "visualization",
  version: "1.0.0",
  file: { path: "local-hello.js" },
};

/** The script of the sample extension: an AMD module that paints its own name. */
const extensionScript = `define([], function () {
  return { paint: function ($element) { $element.text("local-hello"); } };
});
`;

function extensionFile({ params }: SignedInExchange): Answer {
  if (params["id"] !== extension.id || params["rest"] !== extension.file.path) return notFoundAnswer();
  return {
    status: 200,
    headers: [["Content-Type", "application/javascript; charset=utf-8"]],
    body: extensionScript,
  };
}

function themeFile({ params }: SignedInExchange): Answer {
  const found = params["id"] === theme.id && params["rest"] === theme.file.path;
  return found ? jsonAnswer(200, themeJson) : notFoundAnswer();
}

/** Themes and extensions, one of each. */
export const lookRoutes: readonly Route[] = [
  rest("GET /api/v1/themes", () => jsonAnswer(200, { data: [theme] })),
  rest("GET /api/v1/themes/:id", ({ params }) =>
    params["id"] === theme.id ? jsonAnswer(200, theme) : notFoundAnswer(),
  ),
  rest("GET /api/v1/themes/:id/file/**", themeFile),
  rest("GET /api/v1/extensions", () => jsonAnswer(200, { data: [extension] })),
  rest("GET /api/v1/extensions/:id", ({ params }) =>
    params["id"] === extension.id ? jsonAnswer(200, extension) : notFoundAnswer(),
  ),
  rest("GET /api/v1/extensions/:id/file/**", extensionFile),
];
