import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { getBuildInfo, getUser } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { Database } from '../database/index.ts'
import { chargeCurrentWork } from '../edge/index.ts'
import { labelled } from './index.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
})
afterAll(() => server[Symbol.asyncDispose]())

interface Series {
  readonly labels: string
  readonly seconds: number
}

async function series(): Promise<Series[]> {
  const { headers } = await server.owner()
  const text = await (await fetch(`${server.url}/api/v2/debug/metrics`, { headers })).text()
  return [...text.matchAll(/^slipway_cpu_seconds_total\{(.*)\} (\S+)$/gm)].map(([, labels = '', value]) => ({
    labels,
    seconds: Number(value),
  }))
}

const of = (all: readonly Series[], ...parts: readonly string[]): number =>
  all
    .filter(({ labels }) => parts.every((part) => labels.includes(part)))
    .reduce((sum, { seconds }) => sum + seconds, 0)

/** Keeps the event loop busy for some time, in milliseconds of the thread's own clock. */
function burn(ms: number): void {
  const start = process.threadCpuUsage()
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage(start)
    return (user + system) / 1000
  }
  while (spent() < ms) Math.sqrt(ms)
}

it('OP-93: all series together are the processor time of the process', async () => {
  const before = process.cpuUsage()
  const first = await series()
  burn(100)
  const second = await series()
  const { user, system } = process.cpuUsage(before)
  const grown = of(second) - of(first)
  expect(grown).toBeGreaterThan(0.1)
  expect(grown).toBeLessThan((user + system) / 1e6 + 0.05)
})

it('OP-93: work of a job is told from that of requests, also after it has waited for the database', async () => {
  await using database = await Database.open({
    url: server.databaseUrl,
    maxConnections: 1,
    log: silentLogger(),
    replicaId: 'test',
    onAnswer: chargeCurrentWork,
  })
  const before = await series()
  await labelled('db-purge', async () => {
    await sql`select pg_sleep(0.01)`.execute(database.db)
    burn(150)
  })
  const after = await series()
  expect(of(after, 'coder_service="db-purge"') - of(before, 'coder_service="db-purge"')).toBeGreaterThan(0.1)
  expect(of(after, 'http-api') - of(before, 'http-api')).toBeLessThan(0.1)
})

it('OP-93: requests are told apart by their routes, and who has burnt nothing since is charged nothing', async () => {
  const owner = await server.owner()
  const read = async (): Promise<number> =>
    of(
      await series(),
      'coder_service="http-api"',
      'coder_request_type="http"',
      'route="/api/v2/users/{user}"',
    )
  const before = await read()
  await until('time for the route', async () => {
    for (let i = 0; i < 50; i += 1) await owner.call(getUser, { params: { user: 'me' } })
    return (await read()) > before
  })
  const now = await read()
  await owner.call(getBuildInfo)
  burn(50)
  expect(await read()).toBe(now)
})

it('OP-86: no series is made of a path', async () => {
  await fetch(`${server.url}/api/v2/nothing/of/the/kind`)
  await fetch(`${server.url}/some/page`)
  const all = await series()
  expect(all.some(({ labels }) => labels.includes('kind') || labels.includes('some/page'))).toBe(false)
  expect(of(all, 'route="UNKNOWN"')).toBeGreaterThan(0)
})

it('WS-8: what the server does by itself, who carries out builds and who collects metrics are told from requests', async () => {
  await server.builtInTemplate()
  for (const service of [
    'db-purge',
    'key-rotation',
    'metrics-collector',
    'notifications',
    'typescript-provisioner',
  ])
    await until(`time of ${service}`, async () => of(await series(), `coder_service="${service}"`) > 0)
  const ofJobs = (await series()).filter(({ labels }) => !/coder_service="(http-api|agent-rpc)"/.test(labels))
  for (const { labels } of ofJobs) expect(labels).toMatch(/coder_request_type="",route=""/)
})
