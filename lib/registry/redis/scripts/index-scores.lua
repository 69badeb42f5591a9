-- Reads the scores of users, who are the arguments. → the score of each, "" for none.

local active = unpack(KEYS)

local scores = {}
for i = 1, #ARGV do scores[i] = redis.call('ZSCORE', active, ARGV[i]) or '' end
return scores
