import { Client } from '@slipway/client'
import { login } from '@slipway/contract'
import { type Bench, owner, runServer, scratch } from './harness.ts'
import { load } from './load.ts'

const LOGINS = 50
const CREDENTIALS = { email: 'owner@example.com', password: 'SomePassword-2026!' }
const PROBE = { connections: 32, seconds: 8, perSecond: 200 }

/** How long others wait while 50 people sign in at once, over and over: slow hashes must not hold the event loop. */
export const logins: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const probe = { ...PROBE, url: `${server.url}/api/v2/users/me`, headers: { ...client.headers } }
  const quiet = await load(probe)
  let busy = true
  let done = 0
  const signIn = async (): Promise<void> => {
    while (busy) {
      // Signing in is limited by address; owners may ask to be left out.
      await new Client({
        url: server.url,
        headers: { ...client.headers, 'X-Coder-Bypass-Ratelimit': 'true' },
      }).call(login, { body: CREDENTIALS })
      done += 1
    }
  }
  const began = performance.now()
  const people = Array.from({ length: LOGINS }, signIn)
  const crowded = await load(probe)
  busy = false
  await Promise.all(people)
  const rate = (done * 1_000) / (performance.now() - began)
  return [
    {
      what: `99 of 100 authenticated reads while ${LOGINS} logins are under way`,
      measured: `${crowded.p99.toFixed(1)} ms, at ${rate.toFixed(0)} logins/s`,
      baseline: `${quiet.p99.toFixed(1)} ms without logins`,
      result: `${crowded.p99.toFixed(1)} ms`,
      wanted: 'at most 20 ms',
    },
  ]
}
