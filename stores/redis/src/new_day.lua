-- KEYS: as in observe.lua. ARGV: the day that is over, or ''; the new day; its key; the new history.
-- Of several callers that begin the same day, the first one wins.
local day = redis.call('HGET', KEYS[2], 'day') or ''
if day ~= ARGV[1] then
    return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'day', ARGV[2], 'key', ARGV[3])
redis.call('PEXPIRE', KEYS[2], 172800000)
redis.call('SET', KEYS[3], ARGV[4])
return 1
