-- The requests of one slice: one for each cookie, in turn. Written out beforehand, so that wrk spends no time on them.
local requests = {}
local next = 0

function init(args)
  for cookie in io.lines(args[1]) do
    if cookie ~= "-" then wrk.headers["Cookie"] = cookie end
    requests[#requests + 1] = wrk.format("GET", wrk.path)
  end
end

function request()
  next = next % #requests + 1
  return requests[next]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
