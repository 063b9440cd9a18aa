/**
 * Reads a document: its version, its text, and the server's time in milliseconds.
 *
 * `HDEL` deletes nothing; it makes a server that is no longer the master refuse, so that a connection that outlived a
 * failover does not read what was true before it.
 */
export const readScript = `
redis.call('HDEL', KEYS[1], '')
local t = redis.call('TIME')
local held = redis.call('HMGET', KEYS[1], 'v', 'd')
return {held[1], held[2], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))}
`;

/**
 * Writes a document if it has still the version that was read, and the reading is not too old: 1 or 0, and the server's
 * time in milliseconds. Arguments: a mark of this write, the version read, when it was read, the greatest age of a
 * reading, the text, how long it is kept.
 *
 * A client may send it a second time after a connection broke; the mark tells that it was done the first time. Versions
 * are microseconds of the server's clock, or one more than the one before: see `nextVersion`. Numbers are written out by
 * "%.0f", because Lua would round those above 2^31 to 14 digits.
 */
export const writeScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local stamp = string.format('%.0f', now)
local held = redis.call('HMGET', KEYS[1], 'v', 'w')
if held[2] == ARGV[1] then return {1, stamp} end
local version = tonumber(held[1] or '0')
if version ~= tonumber(ARGV[2]) or now - tonumber(ARGV[3]) > tonumber(ARGV[4]) then return {0, stamp} end
local next = math.max(version + 1, t[1] * 1000000 + t[2])
redis.call('HSET', KEYS[1], 'v', string.format('%.0f', next), 'd', ARGV[5], 'w', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {1, stamp}
`;

/** Tells a key as the server knows it: a client may put a prefix of its own before every key, but not before a pattern. */
export const keyScript = "return KEYS[1]";
