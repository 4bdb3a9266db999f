import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import pg from 'pg'

import { getUser } from '@slipway/contract'
import { type Bench, LOGGED, median, owner, run, runServer, scratch } from './harness.ts'
import { load } from './load.ts'
import { databaseUrl } from './seed.ts'

const BARE = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
const LOAD = { connections: 16, seconds: 3 }
const ROUNDS = 7
/** Rounds that only compile: the code of a server that has just started is slow. */
const WARM_UP = 2
const TOKENS = 10_000
/** Enough requests for each token to be asked with several times, also by the slower server. */
const SECONDS_OF_MANY = 8

/**
 * Authenticated `GET /api/v2/users/me`, each request counted and limited, against a bare route with the same JSON: with one
 * token, with 10,000 in rotation, and with each request logged.
 */
export const usersMe: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  await using loggedPlace = await scratch()
  await using verbose = await runServer(loggedPlace.folder, undefined, LOGGED)
  const body = await client.call(getUser, { params: { user: 'me' } })
  await using bare = await run([BARE], { BODY: JSON.stringify(body) })
  const empty = (): { rates: number[]; costs: number[] } => ({ rates: [], costs: [] })
  const theirs = { process: bare, url: `${bare.url}/`, headers: {}, ...empty() }
  const ours = {
    process: server,
    url: `${server.url}/api/v2/users/me`,
    headers: { ...client.headers },
    ...empty(),
  }
  const logged = {
    process: verbose,
    url: `${verbose.url}/api/v2/users/me`,
    headers: { ...(await owner(verbose.url)).headers },
    ...empty(),
  }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { process, url, headers, rates, costs } of [theirs, ours, logged]) {
      const before = await process.processorTime()
      const { rate, answered } = await load({ ...LOAD, url, headers })
      if (round < WARM_UP) continue
      rates.push(rate)
      costs.push(((await process.processorTime()) - before) / answered)
    }
  const told = ({ rates, costs }: { rates: number[]; costs: number[] }) =>
    `${median(rates).toFixed(0)} requests/s, ${median(costs).toFixed(1)} µs of processor time each`
  const tokens = path.join(place.folder, 'tokens')
  await writeFile(tokens, (await manyTokens(await databaseUrl(place.folder))).join('\n'))
  const many = { ...LOAD, seconds: SECONDS_OF_MANY, url: ours.url, headers: {}, tokens }
  await load(many)
  const rotated = (await load(many)).rate
  return [
    {
      what: 'authenticated GET /api/v2/users/me, throughput',
      measured: told(ours),
      baseline: `${told(theirs)} (bare Fastify route)`,
      result: (median(ours.rates) / median(theirs.rates)).toFixed(2),
      wanted: 'at least 0.55',
    },
    {
      what: `the same with ${TOKENS} distinct tokens in rotation`,
      measured: `${rotated.toFixed(0)} requests/s`,
      baseline: told(theirs),
      result: (rotated / median(theirs.rates)).toFixed(2),
      wanted: 'at least 0.45',
    },
    {
      what: 'with one token, each request logged (CODER_VERBOSE)',
      measured: told(logged),
      baseline: `${told(theirs)} (bare Fastify route)`,
      result: (median(logged.rates) / median(theirs.rates)).toFixed(2),
      wanted: 'known',
    },
  ]
}

/** Tokens of the first account, made as the server would. */
async function manyTokens(url: string): Promise<string[]> {
  const made = Array.from({ length: TOKENS }, () => {
    const id = randomBytes(5).toString('hex')
    const secret = randomBytes(11).toString('hex')
    return { id, token: `${id}-${secret}`, hash: createHash('sha256').update(secret).digest() }
  })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    `insert into api_keys (id, hashed_secret, user_id, last_used, expires_at, login_type, lifetime_seconds, token_name,
                           scopes, allow_list)
     select made.id, made.hash, u.id, now(), now() + interval '1 day', 'token', 86400, made.id, '{coder:all}', '{*:*}'
       from unnest($1::text[], $2::bytea[]) as made(id, hash), users u where u.username = 'owner'`,
    [made.map(({ id }) => id), made.map(({ hash }) => hash)],
  )
  await client.end()
  return made.map(({ token }) => token)
}
