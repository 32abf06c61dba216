-- KEYS: the accounts of the day, by the time of their wrong code; the day and its key; the history.
-- ARGV: the caller's day; the day of the tag, or ''; the event: 'wrong', 'accepted' or ''; the tag; the
-- time; the time after which a wrong code can still be resolved. A resolved account has the time 'inf'.
local day = redis.call('HGET', KEYS[2], 'day')
local is_over = not day or tonumber(day) < tonumber(ARGV[1])
if not is_over and ARGV[3] ~= '' then
    if ARGV[2] ~= day then
        return {'key', day, '', 0, redis.call('HGET', KEYS[2], 'key')}
    end
    local at = redis.call('ZSCORE', KEYS[1], ARGV[4])
    if ARGV[3] == 'wrong' and (not at or at == 'inf') then
        redis.call('ZADD', KEYS[1], ARGV[5], ARGV[4])
        redis.call('PEXPIRE', KEYS[1], 172800000)
    elseif ARGV[3] == 'accepted' and at and at ~= 'inf' and tonumber(at) > tonumber(ARGV[6]) then
        redis.call('ZADD', KEYS[1], 'inf', ARGV[4])
    end
end
local accounts = redis.call('ZCOUNT', KEYS[1], '-inf', '(inf')
return {is_over and 'over' or 'now', day or '', redis.call('GET', KEYS[3]) or '', accounts, ''}
