-- Takes back what limit_admit counted. ARGV: the mark's name. One that is gone was forgotten or has
-- left the window.
local mark = redis.call('HGET', KEYS[1], ARGV[1])
if not mark then
	return 0
end
local at, n = string.match(mark, '^(%d+) (%d+)$')
if tonumber(n) > 1 then
	redis.call('HSET', KEYS[1], ARGV[1], at .. ' ' .. string.format('%d', n - 1))
else
	redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
