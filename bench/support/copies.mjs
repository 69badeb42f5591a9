/** Fills in a copy's ids, and writes it: each entry as the original is in Redis, in any layout. */
const COPY = `
local entries = cjson.decode(ARGV[1])
local name, first, last, logins = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local loginLength, sidLength = tonumber(ARGV[6]), tonumber(ARGV[7])

local function id(number, length)
  local short = name .. '-' .. string.format('%d', number) .. '-'
  return short .. string.rep('x', length - #short)
end

for number = first, last do
  local ids = {
    U = name .. '-' .. string.format('%d', math.floor(number / logins)),
    L = id(number, loginLength),
    S = id(number, sidLength),
  }
  local function fill(text) return (string.gsub(text, '\\1(.)', ids)) end
  for _, entry in ipairs(entries) do
    local key = fill(entry.key)
    if entry.type == 'string' then redis.call('SET', key, fill(entry.value))
    elseif entry.type == 'hash' then
      for field, value in pairs(entry.value) do redis.call('HSET', key, fill(field), fill(value)) end
    elseif entry.type == 'set' then
      for _, member in ipairs(entry.value) do redis.call('SADD', key, fill(member)) end
    elseif entry.type == 'zset' then
      for member, score in pairs(entry.value) do
        redis.call('ZADD', key, string.format('%.0f', score + number), fill(member))
      end
    end
    if entry.ttl > 0 then redis.call('PEXPIRE', key, entry.ttl) end
  end
end
`;

const AT_ONCE = 10_000;

/**
 * Copies of one login that the package itself has made: by the hundred thousand in a second or two, and in the package's
 * present layout. The copies' users are `name-0`, `name-1`, …
 */
export class Copies {
  #client;
  #entries;
  #lengths;

  /** @param original - `{ userId, loginId, sid }` of a login that is listed, the only one of its user */
  static async of(client, original) {
    const marks = Object.entries({ U: original.userId, L: original.loginId, S: original.sid });
    const mark = (text) => marks.reduce((marked, [letter, id]) => marked.replaceAll(id, `\u0001${letter}`), text);
    const isMarked = (text) => text.includes("\u0001");
    const entries = [];
    for await (const keys of client.scanIterator({ COUNT: 1_000 })) {
      for (const key of keys) entries.push(await readEntry(client, key, mark, isMarked));
    }
    const found = entries.filter((entry) => entry !== undefined);
    if (found.length === 0) throw new Error("The login that is to be copied is not in Redis.");
    return new Copies(client, found, [original.loginId.length, original.sid.length]);
  }

  constructor(client, entries, lengths) {
    this.#client = client;
    this.#entries = entries;
    this.#lengths = lengths.map(String);
  }

  /** The same copies without what this says no to. */
  only(isWanted) {
    return new Copies(this.#client, this.#entries.filter(isWanted), this.#lengths);
  }

  /** So many users, each with so many logins. @returns the session id of a copy by its number */
  async write({ name, users, logins = 1 }) {
    const total = users * logins;
    const replies = [];
    for (let first = 0; first < total; first += AT_ONCE) {
      const range = [first, Math.min(first + AT_ONCE, total) - 1, logins].map(String);
      replies.push(
        this.#client.sendCommand(["EVAL", COPY, "0", JSON.stringify(this.#entries), name, ...range, ...this.#lengths]),
      );
    }
    await Promise.all(replies);
    return (number) => `${name}-${number}-`.padEnd(Number(this.#lengths[1]), "x");
  }
}

/** What belongs to the login: all of a key with one of its ids, and of others the members that have one. */
async function readEntry(client, key, mark, isMarked) {
  const type = await client.type(key);
  const ttl = await client.pTTL(key);
  const isOwn = isMarked(mark(key));
  const pairs = (entries) => {
    const marked = entries.map(([name, value]) => [mark(name), typeof value === "string" ? mark(value) : value]);
    return Object.fromEntries(marked.filter(([name]) => isOwn || isMarked(name)));
  };
  const values = {
    string: async () => (isOwn ? mark(await client.get(key)) : ""),
    hash: async () => pairs(Object.entries(await client.hGetAll(key))),
    zset: async () => pairs((await client.zRangeWithScores(key, 0, -1)).map(({ value, score }) => [value, score])),
    set: async () => (await client.sMembers(key)).map(mark).filter((member) => isOwn || isMarked(member)),
  };
  if (values[type] === undefined) throw new Error(`A login is kept in a ${type} (${key}), which cannot be copied yet.`);
  const value = await values[type]();
  if (value === "" || Object.keys(value).length === 0) return undefined;
  return { key: mark(key), type, ttl: isOwn ? ttl : -1, value };
}
