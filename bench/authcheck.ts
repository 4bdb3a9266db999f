import { fileURLToPath } from 'node:url'

import { checkAuthorization } from '@slipway/contract'
import { type Bench, median, owner, quantile, run, runServer, scratch } from './harness.ts'
import { load } from './load.ts'

const BARE = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
const LOAD = { connections: 16, seconds: 3 }
const ROUNDS = 5
const WARM_UP = 1
/**
 * Looks at the slowest answers. A shared machine stops everybody for 10 to 20 ms now and then, also programs that do
 * nothing: that is in each look of several seconds, and in few of one.
 */
const LOOKS = { rounds: 15, seconds: 1 }

const TYPES = ['workspace', 'template', 'user', 'group', 'organization'] as const
const ACTIONS = ['create', 'read', 'update', 'delete'] as const

/** `POST /api/v2/authcheck` of 20 checks against a bare route with the same answer, and how long it takes at half load. */
export const authcheck: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const checks = Object.fromEntries(
    TYPES.flatMap((type) =>
      ACTIONS.map((action) => [
        `${action}-${type}`,
        { object: { resource_type: type, any_org: type === 'workspace', owner_id: 'me' }, action },
      ]),
    ),
  )
  const body = JSON.stringify({ checks })
  const answer = await client.call(checkAuthorization, { body: { checks } })
  await using bare = await run([BARE], { BODY: JSON.stringify(answer) })
  const ours = { ...LOAD, url: `${server.url}/api/v2/authcheck`, headers: { ...client.headers }, body }
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    const theirs = await load({ ...LOAD, url: `${bare.url}/`, headers: {}, body })
    const mine = await load(ours)
    if (round < WARM_UP) continue
    rates.theirs.push(theirs.rate)
    rates.ours.push(mine.rate)
  }
  const [mine, baseline] = [median(rates.ours), median(rates.theirs)]
  const paced = { connections: 64, perSecond: Math.round(mine / 2) }
  const atHalf: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  const { rounds, seconds } = LOOKS
  for (let round = 0; round < rounds; round += 1) {
    atHalf.ours.push((await load({ ...ours, ...paced, seconds })).p99)
    // What the machine and the load itself take, at the same pace.
    atHalf.theirs.push((await load({ ...paced, seconds, url: `${bare.url}/`, headers: {}, body })).p99)
  }
  const told = (p99s: readonly number[]): string =>
    `${median(p99s).toFixed(1)} ms (${quantile(p99s, 0).toFixed(1)} to ${quantile(p99s, 1).toFixed(1)})`
  return [
    {
      what: 'POST /api/v2/authcheck with 20 checks, throughput',
      measured: `${mine.toFixed(0)} requests/s`,
      baseline: `${baseline.toFixed(0)} requests/s (bare Fastify route)`,
      result: (mine / baseline).toFixed(2),
      wanted: 'at least 0.4',
    },
    {
      what: `the same at half of that load, 99 of 100 answers in a second, median of ${rounds} seconds`,
      measured: `${told(atHalf.ours)} at ${paced.perSecond} requests/s`,
      baseline: `${told(atHalf.theirs)} at ${paced.perSecond} requests/s (bare Fastify route)`,
      result: `${median(atHalf.ours).toFixed(1)} ms`,
      wanted: 'at most 5 ms',
    },
  ]
}
