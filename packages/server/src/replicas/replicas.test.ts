import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getBuildInfo, listReplicas } from '@slipway/contract'
import { freePort, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let first: TestServer
let second: TestServer
let owner: Client
let database: Database

beforeAll(async () => {
  first = await startTestServer()
  owner = await first.owner()
  second = await startTestServer({
    databaseUrl: first.databaseUrl,
    env: { CODER_SHUTDOWN_DELAY: '3s' },
  })
  database = await openDatabase(first.databaseUrl, { maxConnections: 1 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
})

const live = async () => {
  const replicas = await owner.call(listReplicas)
  return new Map(replicas.map((replica) => [replica.relay_address, replica]))
}

it('OP-71: the live replicas are listed with the time that the database takes, for who may see them', async () => {
  const replicas = await live()
  expect([...replicas.keys()].sort()).toEqual([first.url, second.url].sort())
  for (const replica of replicas.values()) {
    expect(replica).toMatchObject({ hostname: hostname(), region_id: 0, error: '' })
    expect(replica.database_latency).toBeGreaterThan(0)
  }
  const member = await first.user(`member-${randomUUID().slice(0, 8)}`)
  await expect(member.call(listReplicas)).rejects.toMatchObject({ status: 404 })
  await expect(first.anonymous.call(listReplicas)).rejects.toMatchObject({ status: 401 })
})

it('OP-70: a replica says which others of its region it cannot reach, until they are reached or gone', async () => {
  const away = `http://127.0.0.1:${await freePort()}`
  const strangers = [
    { hostname: 'away', relay_address: away, region_id: 0 },
    // Nobody asks these: one is elsewhere, and the other has no address.
    { hostname: 'elsewhere', relay_address: away, region_id: 7 },
    { hostname: 'unnamed', relay_address: '', region_id: 0 },
  ].map((one) => ({ ...one, id: randomUUID(), version: 'v1', updated_at: new Date(Date.now() + 3_600_000) }))
  await database.db.insertInto('replicas').values(strangers).execute()
  const problem = async () => (await live()).get(first.url)?.error
  const said = await until('the problem', async () => (await problem()) || undefined)
  expect(said).toMatch(/^Failed to dial peers: away at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  expect(said).not.toMatch(/elsewhere|unnamed/)
  await database.db
    .deleteFrom('replicas')
    .where(
      'id',
      'in',
      strangers.map(({ id }) => id),
    )
    .execute()
  await until('no problem', async () => (await problem()) === '')
})

it('OP-71: a replica that was killed is listed no more within 15 seconds of its last sign', async () => {
  const killed = { id: randomUUID(), hostname: 'killed', relay_address: '', version: 'v1' }
  const at = (seconds: number) => sql<Date>`now() - make_interval(secs => ${seconds})`
  const listed = async () => (await owner.call(listReplicas)).some(({ id }) => id === killed.id)
  await database.db
    .insertInto('replicas')
    .values({ ...killed, updated_at: sql<Date>`now() + interval '1 hour'` })
    .execute()
  expect(await listed()).toBe(true)
  await database.db
    .updateTable('replicas')
    .set({ updated_at: at(16) })
    .where('id', '=', killed.id)
    .execute()
  expect(await listed()).toBe(false)
})

it('OP-111, OP-34: a replica that stops says first that it is not ready, and still answers for a while', async () => {
  const ready = (server: TestServer) => fetch(`${server.url}/readyz`)
  expect([(await ready(second)).status, await (await ready(second)).text()]).toEqual([200, 'OK'])
  const { url } = second
  const stopped = second.stop()
  const refusal = await ready(second)
  expect(refusal.status).toBe(503)
  expect(await refusal.json()).toEqual({
    message: 'The server is not ready.',
    detail: 'The server is about to stop.',
  })
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(await second.anonymous.call(getBuildInfo)).toMatchObject({ workspace_proxy: false })
  expect((await ready(first)).status).toBe(200)
  await stopped
  await expect(fetch(`${url}/readyz`)).rejects.toThrow()
  expect([...(await live()).keys()]).toEqual([first.url])
})
