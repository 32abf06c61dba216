-- ARGV: the expected revision, or '' for no record; the new revision; and, unless it is an erasure,
-- the record, enabled, codes_left and key_id. Revisions are compared as text, because Lua rounds large
-- numbers.
local current = redis.call('HGET', KEYS[1], 'revision')
if not current and redis.call('EXISTS', KEYS[1]) == 1 then
    return 2
end
if current == ARGV[2] then
    -- A repeated write. `WAIT` must wait for the first one, perhaps of another connection: see load.lua.
    redis.call('HSET', KEYS[1], 'revision', ARGV[2])
    return 1
end
if (current or '') ~= ARGV[1] then
    return 0
end
if ARGV[3] then
    redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'record', ARGV[3],
        'enabled', ARGV[4], 'codes_left', ARGV[5], 'key_id', ARGV[6])
else
    redis.call('DEL', KEYS[1])
end
return 1
