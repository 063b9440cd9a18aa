"""A small portal that knows nothing of Qlik: it signs people in, says who they are, and shows a page with charts.

Python 3.9 or newer, nothing else. What of it a real application needs: the answer to /whoami, the two tags in the page,
the log-out. Run it behind a front door only (../edge/): /whoami must not be reached by browsers.

  PORT, HOST     where it listens; 3000 at 127.0.0.1
  EMBED_SCRIPT   the vendor's web component
  APP_ID, OBJECT_ID   which chart; the sales app of the local tenant
"""

import html
import json
import os
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

EMBED_SCRIPT = os.environ.get(
    "EMBED_SCRIPT", "https://cdn.jsdelivr.net/npm/@qlik/embed-web-components@1/dist/index.min.js"
)
APP_ID = os.environ.get("APP_ID", "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10")
OBJECT_ID = os.environ.get("OBJECT_ID", "bar-sales-by-country")

USERS = {
    "ann": {"sub": "sample|ann", "name": "Ann Sample", "email": "ann@example.com", "groups": ["Sales EMEA"]},
    "bob": {"sub": "sample|bob", "name": "Bob Sample", "email": "bob@example.com", "groups": ["Sales Americas"]},
}

COOKIE = "portal"

# Session id -> user. A real application has its own sessions.
sessions = {}

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sample portal</title>
<style>body { font: 16px system-ui; margin: 2rem } qlik-embed { display: block; height: 24rem }</style>
%s
</html>
"""

SIGN_IN = """<h1>Sample portal</h1>
<form method="post" action="/sign-in">
  <button name="user" value="ann">Sign in as Ann</button>
  <button name="user" value="bob">Sign in as Bob</button>
</form>"""

# The host is where this page came from, so there is nothing to set up and nothing to authenticate.
CHARTS = """<h1>Sales, as {name} may see them</h1>
<qlik-embed ui="analytics/chart" app-id="{app}" object-id="{object}"></qlik-embed>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<script type="module" src="/page.js"></script>"""

# Signs out of Qlik first: while the portal still vouches for the user.
SCRIPT = """const script = document.createElement("script");
script.type = "module";
script.src = %s;
script.dataset.host = location.origin + "/qlik";
script.dataset.authType = "none";
document.head.append(script);

const form = document.querySelector('form[action="/sign-out"]');
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch("/qlik/_session", { method: "DELETE" }).catch(() => undefined);
  form.submit();
});
"""


class Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?", 1)[0]
        if path == "/whoami":
            return self.whoami()
        if path == "/page.js":
            return self.answer(200, SCRIPT % json.dumps(EMBED_SCRIPT), "text/javascript")
        if path != "/":
            return self.answer(404, "Not found", "text/plain")
        user = USERS.get(sessions.get(self.session(), ""))
        if user is None:
            return self.answer(200, PAGE % SIGN_IN)
        values = {"name": user["name"], "app": APP_ID, "object": OBJECT_ID}
        return self.answer(200, PAGE % CHARTS.format(**{key: html.escape(text) for key, text in values.items()}))

    def do_POST(self):
        form = parse_qs(self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 10_000)).decode())
        if self.path == "/sign-in" and form.get("user", [""])[0] in USERS:
            session = secrets.token_urlsafe(32)
            sessions[session] = form["user"][0]
            return self.redirect(f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax")
        if self.path == "/sign-out":
            sessions.pop(self.session(), None)
            return self.redirect(f"{COOKIE}=; Path=/; Max-Age=0")
        return self.answer(404, "Not found", "text/plain")

    def whoami(self):
        """Says who sent the request that the front door asks about; no header for nobody."""
        session = self.session()
        user = USERS.get(sessions.get(session, ""))
        self.send_response(204)
        if user is not None:
            for header, value in {
                "X-User-Sub": user["sub"],
                "X-User-Name": user["name"],
                "X-User-Email": user["email"],
                "X-User-Groups": json.dumps(user["groups"]),
                "X-User-Session": session,
            }.items():
                # Headers are Latin-1 in Python; the bytes that travel are UTF-8.
                self.send_header(header, value.encode().decode("latin-1"))
        self.end_headers()

    def session(self):
        morsel = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        return morsel.value if morsel else ""

    def redirect(self, cookie):
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status, text, kind="text/html"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing: the front door has a log."""


if __name__ == "__main__":
    server = ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000"))), Portal)
    print(f"http://{server.server_address[0]}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
