/** Requests to Qlik; the sockets go past Next, in server.js. */
function all(request) {
  // Next drops the Content-Encoding of what a route answers, and compresses by itself: nothing may come compressed.
  const headers = new Headers(request.headers);
  headers.set("accept-encoding", "identity");
  return globalThis.qlik(new Request(request, { headers }));
}

// Next answers the methods that are not here by itself.
export { all as DELETE, all as GET, all as HEAD, all as OPTIONS, all as PATCH, all as POST, all as PUT };
