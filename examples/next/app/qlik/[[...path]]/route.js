/** Requests to Qlik; the sockets go past Next, in server.js. */
function handle(request) {
  // Next drops the Content-Encoding of what a route answers, and compresses by itself: nothing may come compressed.
  const headers = new Headers(request.headers);
  headers.set("accept-encoding", "identity");
  return globalThis.qlik(new Request(request, { headers }));
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as PATCH, handle as POST, handle as PUT };
