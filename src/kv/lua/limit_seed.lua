-- Brings in what the database knows, after this key was lost or servers did without it for a while.
-- ARGV: most, window, exact (1 or 0), since, then for each row a mark's name, when, how many. It was
-- done already when the field "s" is as young as since. A mark that is there is the same admission;
-- where marks stand for many, only what the database knows more of is added.
-- Returns: 0, or how long to wait when more than the most are in now.
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])

local function marks()
	local fields, live, used = redis.call('HGETALL', key), {}, 0
	for i = 1, #fields, 2 do
		local at, n = string.match(fields[i + 1], '^(%d+) (%d+)$')
		at, n = tonumber(at), tonumber(n)
		if at and at > now then at = now end
		if at and at + window > now then
			used = used + n
			live[#live + 1] = { at, n }
		end
	end
	return live, used
end

local seeded = redis.call('HGET', key, 's')
if not seeded or tonumber(seeded) < tonumber(ARGV[4]) then
	if not seeded or ARGV[3] == '1' then
		for i = 5, #ARGV, 3 do
			redis.call('HSETNX', key, ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
		end
	else
		local _, used = marks()
		local more = -used
		for i = 5, #ARGV, 3 do
			more = more + ARGV[i + 2]
		end
		if more > 0 then
			redis.call('HSET', key, string.format('d%.0f', now),
				string.format('%.0f %d', now, more))
		end
	end
	redis.call('HSET', key, 's', string.format('%.0f', now))
	redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1)
end
local live, used = marks()
if used <= most then
	return 0
end
table.sort(live, function(a, b) return a[1] < b[1] end)
for i = 1, #live do
	used = used - live[i][2]
	if used <= most then
		return live[i][1] + window - now
	end
end
return window
