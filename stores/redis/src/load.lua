-- A replica, or a primary that is cut off from its replicas, may have old data and must not answer.
-- Both refuse writes, so this script does one: it removes a time to live, which no record has.
redis.call('PERSIST', KEYS[1])
local row = redis.call('HMGET', KEYS[1], 'revision', 'record')
if not row[1] and not row[2] and redis.call('EXISTS', KEYS[1]) == 0 then
    return false
end
return row
