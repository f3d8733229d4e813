-- Sends the tokens of a file in turn: wrk -s wrk.lua URL -- FILE COUNT
local requests, n = {}, 0

function init(args)
	for token in io.lines(args[1]) do
		requests[#requests + 1] = wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. token })
		if #requests == tonumber(args[2]) then break end
	end
end

function request()
	n = n % #requests + 1
	return requests[n]
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
		e.connect + e.read + e.write + e.status + e.timeout))
end
