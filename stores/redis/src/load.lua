-- A replica, and a primary that is cut off from its replicas, must not answer: what they hold may be old. They refuse
-- writes, so this is one. It takes a time to live away, which no record has.
redis.call('PERSIST', KEYS[1])
local row = redis.call('HMGET', KEYS[1], 'revision', 'record')
if not row[1] and not row[2] and redis.call('EXISTS', KEYS[1]) == 0 then
    return false
end
return row
