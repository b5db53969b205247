import { FIELDS, HOLD_MS } from './router-entry.js';

/** What the router does in Lua: it looks at allow-lists, lets clients wait at held ports, and changes its map. */
export function routerScript(mapPath: string): string {
  return [`-- freehold: the router's decisions\nlocal MAP = "${mapPath}"`, READING, ADMITTING, LEADING, COMMANDS].join('\n');
}

const READING = String.raw`local map = Map.new(MAP, Map._str)

-- Fields of an entry; the networks are the rest.
local function entry_of(txn)
  local value = map:lookup(tostring(txn:get_var("sess.port")))
  if not value then return nil end
  local fields = {}
  for field in value:gmatch("[^|]+") do fields[#fields + 1] = field end
  return { state = fields[${FIELDS.state}], targets = fields[${FIELDS.targets}], allow = fields[${FIELDS.allow}] }
end
`;

/**
 * That it says nothing, for whatever reason, refuses the client. It is asked again whenever bytes arrive, and once more before a
 * client that was held is led on: the list may have changed since.
 */
const ADMITTING = String.raw`local networks_of_port = {}
local function networks(port, list)
  local known = networks_of_port[port]
  if not known or known.list ~= list then
    known = { list = list }
    for network in list:gmatch("[^,]+") do known[#known + 1] = core.parse_addr(network) end
    networks_of_port[port] = known
  end
  return known
end

local function admits(txn, entry)
  if not entry or not entry.allow or entry.allow == "none" then return false end
  if entry.allow == "any" then return true end
  local source = core.parse_addr(txn.f:src())
  if not source then return false end
  for _, network in ipairs(networks(txn:get_var("sess.port"), entry.allow)) do
    if core.match_addr(source, network) then return true end
  end
  return false
end

-- Says whether the client may come in.
core.register_action("admit", { "tcp-req" }, function(txn)
  txn:set_var("sess.admitted", false)
  txn:set_var("sess.admitted", admits(txn, entry_of(txn)))
  return act.CONTINUE
end, 0)
`;

/**
 * The wait is no loop around `core.msleep`: HAProxy 2.6 updates its clock after a coroutine has yielded and drops a wake-up
 * that has passed by then, so that clients would hang. The action starts anew each time that it is woken.
 */
const LEADING = String.raw`local HOLD_MS = ${HOLD_MS}
local function now_ms()
  local time = core.now()
  return time.sec * 1000 + time.usec // 1000
end

local function choose(list)
  local targets = {}
  for target in list:gmatch("[^,]+") do targets[#targets + 1] = target end
  return targets[math.random(#targets)]
end

-- Waits while the port is held, then says where to.
core.register_action("lead", { "tcp-req" }, function(txn)
  local entry = entry_of(txn)
  if not entry then return act.DENY end
  if not admits(txn, entry) then
    txn:set_var("txn.not_admitted", true)
    return act.CONTINUE
  end
  if entry.state == "open" then
    txn:set_var("txn.target", choose(entry.targets))
    return act.CONTINUE
  end
  -- Nobody is waiting for the answer to a request whose query cannot run.
  if txn:get_var("txn.cancel") then return act.DENY end
  local now, deadline = now_ms(), txn:get_var("txn.deadline")
  if not deadline then
    deadline = now + HOLD_MS
    txn:set_var("txn.deadline", deadline)
  end
  if not txn.req:may_recv() then return act.DENY end
  if now >= deadline then
    txn:set_var("txn.held_too_long", true)
    return act.CONTINUE
  end
  -- 5 ms at first, 100 ms after two seconds.
  act.wake_time(math.max(5, math.min(100, (HOLD_MS - (deadline - now)) // 20)))
  return act.YIELD
end, 0)
`;

/** A command compares and stores in one step: the router has one thread, and nothing here yields. */
const COMMANDS = String.raw`local function superseded(applet, database, token)
  local stored = math.tointeger(tonumber(map:lookup("=" .. database) or "0"))
  if token >= stored then return false end
  applet:send(string.format("superseded %d\n", stored))
  return true
end

local function arguments(applet, port, token, database)
  local number = token and token:match("^%d+$") and math.tointeger(tonumber(token))
  if not (port and port:match("^%d+$") and number and database) then
    applet:send("usage: route set PORT TOKEN DATABASE VALUE | route remove PORT TOKEN DATABASE | route ping\n")
    return nil
  end
  return number
end

core.register_cli({ "route", "set" }, "route set PORT TOKEN DATABASE VALUE", function(applet, _, _, port, token, database, value)
  local number = arguments(applet, port, token, database)
  if not number or not value then return end
  if superseded(applet, database, number) then return end
  local other = (map:lookup(port) or ""):match("^[^|]+")
  if other and other ~= database then applet:send("taken " .. other .. "\n") return end
  core.set_map(MAP, "=" .. database, token)
  core.set_map(MAP, port, value)
  applet:send("done\n")
end)

core.register_cli({ "route", "remove" }, "route remove PORT TOKEN DATABASE", function(applet, _, _, port, token, database)
  local number = arguments(applet, port, token, database)
  if not number then return end
  if superseded(applet, database, number) then return end
  core.set_map(MAP, "=" .. database, token)
  if (map:lookup(port) or ""):match("^[^|]+") == database then core.del_map(MAP, port) end
  applet:send("done\n")
end)

core.register_cli({ "route", "ping" }, "route ping", function(applet) applet:send("done\n") end)
`;
