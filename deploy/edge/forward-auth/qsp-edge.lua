-- Asks the proxy's edge listener about a request, for haproxy.cfg beside this file. Sets txn.qsp_pass, and with it
-- txn.qsp_uri and txn.qsp_cookie. Never keeps an answer: it is one user's credential.

local socket = os.getenv("QSP_EDGE_SOCKET") or "unix@/run/qsp-edge.sock"
local token = os.getenv("QSP_EDGE_TOKEN") or ""
-- Milliseconds. A login at the tenant may be part of the answer.
local patience = 15000

-- They concern the connection, or are said below, once and by us.
local ours = {
  ["host"] = true, ["connection"] = true, ["keep-alive"] = true, ["content-length"] = true,
  ["transfer-encoding"] = true, ["te"] = true, ["expect"] = true, ["x-qsp-edge-token"] = true,
  ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true, ["x-forwarded-host"] = true,
}

-- The only value of a header; nil where there is none, or more than one.
local function only(headers, name)
  local values = headers[name]
  if values == nil or values[0] == nil or values[1] ~= nil then return nil end
  return values[0]
end

-- A list that begins with 1, as the client wants it.
local function list(values)
  local found = {}
  for index = 0, #values do
    if values[index] ~= nil then found[#found + 1] = values[index] end
  end
  return found
end

core.register_action("qsp_verdict", { "http-req" }, function(txn)
  local headers = txn.http:req_get_headers()
  local host = only(headers, "host")
  if host == nil then return end
  local asked = {
    ["x-qsp-edge-token"] = { token },
    ["x-forwarded-method"] = { txn.sf:method() },
    ["x-forwarded-uri"] = { txn.sf:url() },
    ["x-forwarded-host"] = { host },
  }
  for name, values in pairs(headers) do
    if not ours[name] then asked[name] = list(values) end
  end
  local answer = core.httpclient():get({
    url = "http://qsp-edge/authz/forward-auth", dst = socket, headers = asked, timeout = patience,
  })
  if answer == nil or answer.status ~= 200 then return end
  local uri = only(answer.headers, "x-qsp-upstream-uri")
  local cookie = only(answer.headers, "cookie")
  -- Empty is a value too; what is missing is no answer of ours.
  if uri == nil or cookie == nil then return end
  txn:set_var("txn.qsp_uri", uri)
  txn:set_var("txn.qsp_cookie", cookie)
  txn:set_var("txn.qsp_pass", true)
end, 0)
