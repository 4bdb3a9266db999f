import { fileURLToPath } from 'node:url'

import { getUser } from '@slipway/contract'
import { type Bench, median, owner, run, runServer, scratch } from './harness.ts'
import { requestsPerSecond } from './load.ts'

const BARE = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
const LOAD = { connections: 16, seconds: 4 }

/** Authenticated `GET /api/v2/users/me`, each request logged and counted, against a bare route with the same JSON. */
export const usersMe: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const body = await client.call(getUser, { params: { user: 'me' } })
  await using bare = await run([BARE], { BODY: JSON.stringify(body) })
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 3; round += 1) {
    theirs.push(await requestsPerSecond({ ...LOAD, url: `${bare.url}/`, headers: {} }))
    ours.push(
      await requestsPerSecond({
        ...LOAD,
        url: `${server.url}/api/v2/users/me`,
        headers: { ...client.headers },
      }),
    )
  }
  const [mine, baseline] = [median(ours), median(theirs)]
  return [
    {
      what: 'authenticated GET /api/v2/users/me, throughput',
      measured: `${mine.toFixed(0)} requests/s`,
      baseline: `${baseline.toFixed(0)} requests/s (bare Fastify route)`,
      result: (mine / baseline).toFixed(2),
      wanted: 'at least 0.45',
    },
  ]
}
