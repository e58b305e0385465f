-- One admission under a limit. KEYS[1]: a hash of marks, each "when how-many", in microseconds.
-- ARGV: most, window, slice, name: when it was asked for, as its row in the database will say. Slice 0 keeps every admission as a mark of its own; otherwise those
-- of one slice of the window share a mark, stamped with the latest of them. The field "s" says since
-- when what the database knows is in here too.
-- Returns: 1, the mark's name, since when or 0, the time; or 0, how long to wait.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local slice, name = tonumber(ARGV[3]), ARGV[4]
local fields = redis.call('HGETALL', KEYS[1])
local live, used, seeded, amount = {}, 0, 0, 1
for i = 1, #fields, 2 do
	if fields[i] == 's' then
		seeded = tonumber(fields[i + 1])
	else
		local at, n = string.match(fields[i + 1], '^(%d+) (%d+)$')
		at, n = tonumber(at), tonumber(n)
		if at > now then at = now end
		if at + window <= now then
			redis.call('HDEL', KEYS[1], fields[i])
		else
			used = used + n
			live[#live + 1] = { at, n }
			if slice > 0 and math.floor(at / slice) == math.floor(now / slice) then
				name, amount = fields[i], n + 1
			end
		end
	end
end
if used >= most then
	table.sort(live, function(a, b) return a[1] < b[1] end)
	for i = 1, #live do
		used = used - live[i][2]
		if used < most then
			return { 0, live[i][1] + window - now }
		end
	end
	return { 0, window }
end
while amount == 1 and redis.call('HEXISTS', KEYS[1], name) == 1 do
	name = name .. '+'
end
redis.call('HSET', KEYS[1], name, string.format('%.0f %d', now, amount))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1)
return { 1, name, seeded, now }
