import pg from 'pg'
import { expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { startTestServer, until } from '@slipway/testkit'

const FEEDS = `from pg_stat_activity where datname = $1 and application_name = 'slipway/feed'`

it('ID-222: while nobody hears of changes, nothing that is known of a key counts', async () => {
  const lines: Record<string, unknown>[] = []
  await using server = await startTestServer({
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  const member = await server.user('member')
  const own = new URL(server.databaseUrl)
  const name = own.pathname.slice(1)
  await using steps = new AsyncDisposableStack()
  const client = async (database: string): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: new URL(`/${database}`, own).href })
    await made.connect()
    steps.defer(() => made.end())
    return made
  }
  const [inside, outside] = [await client(name), await client('postgres')]

  const ask = async () => {
    const answer = await fetch(`${server.url}/api/v2/users/me`, { headers: member.headers })
    await answer.arrayBuffer()
    const id = answer.headers.get('x-coder-request-id')
    const line = await until('the line', () => lines.find((one) => one.request_id === id))
    return { status: answer.status, statements: line.statements }
  }
  await until('a warm cache', async () => (await ask()).statements === 0)

  await outside.query(`alter database ${pg.escapeIdentifier(name)} with allow_connections false`)
  try {
    await outside.query(`select pg_terminate_backend(pid) ${FEEDS}`, [name])
    await until('the end of the feed', async () => (await ask()).statements !== 0)
    await inside.query(`update users set status = 'suspended' where username = 'member'`)
    expect((await ask()).status).toBe(401)
    await inside.query(`update users set status = 'active' where username = 'member'`)
    expect((await ask()).status).toBe(200)
  } finally {
    await outside.query(`alter database ${pg.escapeIdentifier(name)} with allow_connections true`)
  }
  await until('the feed', async () => (await ask()).statements === 0)
})
