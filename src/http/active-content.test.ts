import { describe, expect, test } from "vitest";
import { containActiveContent } from "./active-content.ts";

const csp = "sandbox; default-src 'none'";

describe("containActiveContent", () => {
  test.each([
    "text/html",
    "TEXT/HTML; charset=utf-8",
    " text/html ",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml;x",
    "application/rss+xml",
    "text/xsl",
    "multipart/x-mixed-replace; boundary=x",
    "text/plain, text/html",
    "text/html, text/plain",
  ])("%s is saved, and sandboxed", (type) => {
    expect(containActiveContent(type)).toEqual({ csp, attachment: true });
  });

  test.each([
    undefined,
    "",
    "application/pdf",
    "html",
    "text/",
    "/html",
    "text /html",
    "*/*",
    "unknown/unknown",
    ";",
  ])("%j is sandboxed", (type) => {
    expect(containActiveContent(type)).toEqual({ csp, attachment: false });
  });

  test.each([
    "application/json",
    "text/plain; charset=utf-8",
    "image/png",
    "text/csv",
    "application/octet-stream",
  ])("%s stays as it is", (type) => {
    expect(containActiveContent(type)).toEqual({ attachment: false });
  });
});
