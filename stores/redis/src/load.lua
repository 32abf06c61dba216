-- ARGV: '1' if the store then waits for replicas (`WAIT`).
-- A replica, or a primary that is cut off from its replicas, may have old data and must not answer.
-- Both refuse writes, so this script does one: it removes a time to live, which no record has.
redis.call('PERSIST', KEYS[1])
local row = redis.call('HMGET', KEYS[1], 'revision', 'record')
local is_absent = not row[1] and not row[2] and redis.call('EXISTS', KEYS[1]) == 0
if ARGV[1] then
    -- From Redis 7.2 and in Valkey, `WAIT` waits for the last change of this connection only. So make
    -- a change, and leave the key as it was.
    if is_absent then
        redis.call('HSET', KEYS[1], 'revision', '')
        redis.call('DEL', KEYS[1])
    elseif row[1] then
        redis.call('HSET', KEYS[1], 'revision', row[1])
    end
end
if is_absent then
    return false
end
return row
