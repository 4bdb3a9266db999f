import { fileURLToPath } from 'node:url'

import { getUser } from '@slipway/contract'
import { type Bench, median, owner, run, runServer, scratch } from './harness.ts'
import { load } from './load.ts'

const BARE = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
const LOAD = { connections: 16, seconds: 3 }
const ROUNDS = 7
/** Rounds that only compile: the code of a server that has just started is slow. */
const WARM_UP = 2

/** Authenticated `GET /api/v2/users/me`, each request logged, counted and limited, against a bare route with the same JSON. */
export const usersMe: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
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
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { process, url, headers, rates, costs } of [theirs, ours]) {
      const before = await process.processorTime()
      const { rate, answered } = await load({ ...LOAD, url, headers })
      if (round < WARM_UP) continue
      rates.push(rate)
      costs.push(((await process.processorTime()) - before) / answered)
    }
  const told = ({ rates, costs }: { rates: number[]; costs: number[] }) =>
    `${median(rates).toFixed(0)} requests/s, ${median(costs).toFixed(1)} µs of processor time each`
  return [
    {
      what: 'authenticated GET /api/v2/users/me, throughput',
      measured: told(ours),
      baseline: `${told(theirs)} (bare Fastify route)`,
      result: (median(ours.rates) / median(theirs.rates)).toFixed(2),
      wanted: 'at least 0.45',
    },
  ]
}
