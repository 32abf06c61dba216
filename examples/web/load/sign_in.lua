-- A wrk script in which users sign in, one at a time per connection: the password, the code, the account page. It needs
-- one thread per connection, because a script cannot tell which connection an answer belongs to. See `run`.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } timespec;
  int clock_gettime(int clock, timespec *time);
  const void *EVP_sha1(void);
  unsigned char *HMAC(const void *hash, const void *key, int key_length, const unsigned char *data, size_t length,
                      unsigned char *mac, unsigned int *mac_length);
]]
local openssl = ffi.load("crypto.so.3")

local PASSWORD = "correct horse battery"
local STEP = 30
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

local function now()
  local time = ffi.new("timespec")
  ffi.C.clock_gettime(0, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local function from_base32(text)
  local bytes, bits, value = {}, 0, 0
  for character in text:gmatch("%w") do
    value, bits = value * 32 + ALPHABET:find(character, 1, true) - 1, bits + 5
    if bits >= 8 then
      bits = bits - 8
      table.insert(bytes, string.char(math.floor(value / 2 ^ bits)))
      value = value % 2 ^ bits
    end
  end
  return table.concat(bytes)
end

-- RFC 6238, by OpenSSL's HMAC.
local function passcode(key, step)
  local counter, mac = ffi.new("unsigned char[8]"), ffi.new("unsigned char[20]")
  for place = 7, 0, -1 do
    counter[place], step = step % 256, math.floor(step / 256)
  end
  openssl.HMAC(openssl.EVP_sha1(), key, #key, counter, 8, mac, nil)
  local offset = mac[19] % 16
  local number = ((mac[offset] % 128 * 256 + mac[offset + 1]) * 256 + mac[offset + 2]) * 256 + mac[offset + 3]
  return string.format("%06d", number % 1000000)
end

-- One connection. `request` and `response` alternate: `request` resumes the coroutine until it requests the next page.

local keys, used = {}, {}
local visitor, text, asked, answer
-- Text, because wrk cannot return nested tables from a thread.
log, failed, problem = "", 0, nil

local function note(name, started)
  log = log .. name .. "\t" .. (now() - started) * 1000 .. "\n"
end

-- Requests a page, and checks the answer.
local function visit(browser, method, path, form, status, place)
  local headers, body = { Cookie = browser.cookie }, nil
  if form then
    headers["Content-Type"], headers.Origin = "application/x-www-form-urlencoded", "http://" .. wrk.headers.Host
    body = form
  end
  coroutine.yield(wrk.format(method, path, headers, body))
  note(method .. " " .. path, asked)
  if answer.status ~= status or answer.headers["location"] ~= place then
    error(string.format("%s %s: %d to %s", method, path, answer.status, answer.headers["location"] or "nowhere"))
  end
  local cookie = answer.headers["set-cookie"]
  browser.cookie = cookie and cookie:match("^[^;]*") or browser.cookie
end

-- The value of a hidden field of the page.
local function hidden(name)
  return answer.body:match('name="' .. name .. '" value="([^"]*)"') or error("no field " .. name)
end

local function sign_in(number)
  local browser, started, email = {}, now(), "user" .. number .. "@example.com"
  visit(browser, "GET", "/sign-in", nil, 200)
  local form = "email=" .. email:gsub("@", "%%40") .. "&password=" .. PASSWORD:gsub(" ", "+")
  visit(browser, "POST", "/sign-in", form, 303, "/two-factor/code")
  visit(browser, "GET", "/two-factor/code", nil, 200)
  local fields = "csrf=" .. hidden("csrf") .. "&request=" .. hidden("request")
  local step = math.floor(now() / STEP)
  if used[number] == step then error("too few users: a passcode would be used twice") end
  used[number] = step
  local code = passcode(from_base32(keys[number]), step)
  visit(browser, "POST", "/two-factor/code", fields .. "&code=" .. code, 303, "/account")
  visit(browser, "GET", "/account", nil, 200)
  if not answer.body:find(email, 1, true) then error("not the account page of " .. email) end
  note("whole sign-in", started)
end

-- Each connection has its own users.
local function sign_in_forever(connections)
  local user = number
  while true do
    user = (user - 1 + connections) % #keys + 1
    local succeeded, message = pcall(sign_in, user)
    if not succeeded then failed, problem = failed + 1, tostring(message) end
  end
end

function init(args)
  for line in io.lines(args[1]) do table.insert(keys, line) end
  visitor = coroutine.wrap(function() sign_in_forever(tonumber(args[2])) end)
end

function request()
  -- wrk also calls this once before it starts, and does not send the result.
  if answer or not text then text = visitor() end
  asked, answer = now(), nil
  return text
end

function response(status, headers, body)
  local lower = {}
  for name, value in pairs(headers) do lower[name:lower()] = value end
  answer = { status = status, headers = lower, body = body }
end

-- The functions below run once, in the main thread of wrk.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

local function percentile(sorted, percent)
  return sorted[math.max(1, math.ceil(#sorted * percent / 100))]
end

local function row(name, times)
  table.sort(times)
  if #times == 0 then return end
  print(string.format("| %s | %d | %.0f ms | %.0f ms |", name, #times, percentile(times, 50), percentile(times, 99)))
end

function done(summary, _, _)
  local times, failed, problem = {}, 0, nil
  for _, thread in ipairs(threads) do
    for name, time in thread:get("log"):gmatch("([^\t\n]+)\t([^\n]+)\n") do
      times[name] = times[name] or {}
      table.insert(times[name], tonumber(time))
    end
    failed = failed + thread:get("failed")
    problem = problem or thread:get("problem")
  end
  local seconds, whole = summary.duration / 1e6, times["whole sign-in"] or {}
  print(string.format("%.1f sign-ins per second over %.0f s by %d users at once", #whole / seconds, seconds, #threads))
  print("| | number | p50 | p99 |\n|---|---|---|---|")
  for _, name in ipairs { "GET /sign-in", "POST /sign-in", "GET /two-factor/code", "POST /two-factor/code", "GET /account",
                          "whole sign-in" } do
    row(name, times[name] or {})
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format("%d errors%s", failed + broken, problem and ": " .. problem or ""))
  os.exit(failed + broken == 0 and #whole > 0)
end
