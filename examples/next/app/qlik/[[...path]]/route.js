/** Requests to Qlik; the sockets go past Next, in server.js. */
function all(request) {
  // Next drops the Content-Encoding of what a route answers, and compresses by itself: nothing may come compressed.
  const headers = new Headers(request.headers);
  headers.set("accept-encoding", "identity");
  // From its parts: what Next hands in may stand before the request, and Node 24 takes no such object for one.
  const { url, method, body, signal } = request;
  return globalThis.qlik(new Request(url, { method, headers, body, signal, duplex: "half" }));
}

// Next answers the methods that are not here by itself.
export { all as DELETE, all as GET, all as HEAD, all as OPTIONS, all as PATCH, all as POST, all as PUT };
