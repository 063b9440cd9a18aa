"""A portal in Python beside qlik-session-proxy: the standard library alone, so that nothing has to be installed.

The portal knows who is signed in. nginx asks it on every request for Qlik, through /whoami, and tells the proxy in headers;
nginx.conf has the other half. Sign-in here is a choice of two people and no password: put your own in its place.
"""

import argparse
import html
import json
import secrets
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

PEOPLE = {
    "alice": {"subject": "alice@example.test", "name": "Alice Johansson", "groups": ["Sales EMEA"]},
    "bruno": {"subject": "bruno@example.test", "name": "Bruno Keller", "groups": ["Sales Americas"]},
}

COOKIE = "portal_session"

# Session id to a key of PEOPLE. In memory: a restart signs everybody out.
sessions = {}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Portal</title>
<style>body {{ font-family: system-ui; margin: 2rem }} #chart {{ height: 360px }}</style>
{body}
</html>
"""

CHART = """<script defer src="{script}" data-host="{origin}/qlik" data-auth-type="none"></script>
<h1>Hello, <span id="name">{name}</span></h1>
<div id="chart"><qlik-embed ui="analytics/chart" app-id="{app}" object-id="{object}"></qlik-embed></div>
<form method="post" action="/sign-out" id="sign-out"><button>Sign out</button></form>
<script>
// First the session at Qlik, with its open sockets; then the portal's.
document.querySelector("#sign-out").addEventListener("submit", async (event) => {{
  event.preventDefault();
  await fetch("/qlik/_session", {{ method: "DELETE" }}).catch(() => {{}});
  event.target.submit();
}});
</script>"""

SIGN_IN = """<h1>Who are you?</h1>
<form method="post" action="/sign-in">{buttons}</form>"""


class Portal(BaseHTTPRequestHandler):
    """Answers the portal's own paths; nginx leads /qlik/ to the proxy."""

    protocol_version = "HTTP/1.1"
    settings = None

    def do_GET(self):
        if self.path == "/whoami":
            return self.whoami()
        if self.path == "/embed.js" and self.settings.embed_file:
            return self.answer(Path(self.settings.embed_file).read_bytes(), kind="text/javascript")
        if self.path == "/":
            return self.home()
        return self.answer(b"Not found", HTTPStatus.NOT_FOUND, "text/plain")

    def do_POST(self):
        # The cookie is SameSite=Lax, which keeps other sites' forms from using it; this keeps them from setting it.
        if self.headers.get("Origin") != self.settings.origin:
            return self.answer(b"Wrong origin", HTTPStatus.FORBIDDEN, "text/plain")
        length = min(int(self.headers.get("Content-Length") or 0), 4096)
        form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        if self.path == "/sign-in":
            person = form.get("person", [""])[0]
            return self.sign_in(person) if person in PEOPLE else self.go_home()
        if self.path == "/sign-out":
            sessions.pop(self.session_id(), None)
            return self.go_home(f"{COOKIE}=; Path=/; Max-Age=0")
        return self.answer(b"Not found", HTTPStatus.NOT_FOUND, "text/plain")

    def whoami(self):
        """Says to nginx who the cookie belongs to; no header where nobody is signed in."""
        person = PEOPLE.get(sessions.get(self.session_id(), ""))
        headers = {}
        if person:
            headers = {
                "X-User-Sub": person["subject"],
                "X-User-Name": person["name"],
                "X-User-Email": person["subject"],
                "X-User-Groups": json.dumps(person["groups"]),
                "X-User-Session": self.session_id(),
            }
        self.answer(b"", headers=headers)

    def home(self):
        person = PEOPLE.get(sessions.get(self.session_id(), ""))
        if person is None:
            buttons = "".join(
                f'<button name="person" value="{key}">{html.escape(each["name"])}</button> '
                for key, each in PEOPLE.items()
            )
            return self.page(SIGN_IN.format(buttons=buttons))
        script = "/embed.js" if self.settings.embed_file else self.settings.embed_url
        chart = {"script": script, "origin": self.settings.origin, "name": person["name"]}
        chart |= {"app": self.settings.app, "object": self.settings.object}
        return self.page(CHART.format(**{key: html.escape(value) for key, value in chart.items()}))

    def sign_in(self, person):
        # A new id for each sign-in, so that none that was there before is worth anything.
        session = secrets.token_urlsafe(32)
        sessions[session] = person
        secure = "; Secure" if self.settings.origin.startswith("https:") else ""
        self.go_home(f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax{secure}")

    def session_id(self):
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def go_home(self, cookie=None):
        headers = {"Location": "/"}
        if cookie:
            headers["Set-Cookie"] = cookie
        self.answer(b"", HTTPStatus.SEE_OTHER, headers=headers)

    def page(self, body):
        self.answer(PAGE.format(body=body).encode(), kind="text/html; charset=utf-8")

    def answer(self, body, status=HTTPStatus.OK, kind="text/plain", headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Cache-Control": "no-store", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Says nothing: the front door has a log."""


def main():
    parser = argparse.ArgumentParser(description="A sample portal beside qlik-session-proxy")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--origin", default="http://portal.localhost:8080", help="the portal as browsers see it")
    parser.add_argument("--app", default="8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10")
    parser.add_argument("--object", default="bar-sales-by-country")
    parser.add_argument(
        "--embed-url",
        default="https://cdn.jsdelivr.net/npm/@qlik/embed-web-components@1/dist/index.min.js",
        help="where the vendor's web components come from",
    )
    parser.add_argument("--embed-file", help="a file that is served in their place, for work without a network")
    Portal.settings = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", Portal.settings.port), Portal)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
