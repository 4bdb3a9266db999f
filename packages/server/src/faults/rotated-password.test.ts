import { randomBytes } from 'node:crypto'

import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { getUser, listWorkspaces } from '@slipway/contract'
import { createTestDatabase, openDatabase, startTestServer, until } from '@slipway/testkit'

it('OP-47, OP-111: while the database refuses the password, answers are failures of ours and never 401, and all recovers by itself', async () => {
  await using steps = new AsyncDisposableStack()
  const { url } = steps.use(await createTestDatabase())
  const { db } = steps.use(await openDatabase(url, { maxConnections: 1 }))
  const role = `rotated_${randomBytes(6).toString('hex')}`
  const setPassword = (password: string) =>
    sql`alter role ${sql.id(role)} password ${sql.lit(password)}`.execute(db)
  const cutOff = () =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`.execute(db)
  await sql`create role ${sql.id(role)} login superuser password 'first'`.execute(db)
  steps.defer(async () => void (await sql`drop role ${sql.id(role)}`.execute(db)))
  const own = new URL(url)
  own.username = role
  own.password = 'first'
  const server = steps.use(
    await startTestServer({
      databaseUrl: own.href,
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_PROVISIONER_DAEMONS: '0' },
    }),
  )
  const owner = await server.owner()
  const ask = (path: string) => fetch(`${server.url}${path}`, { headers: { ...owner.headers } })
  await owner.call(getUser, { params: { user: 'me' } })

  await setPassword('second')
  await cutOff()
  const [first, second] = await until('a failure of each', async () => {
    await cutOff()
    const answers = await Promise.all(['/api/v2/users/me', '/api/v2/workspaces'].map(ask))
    for (const { status } of answers) expect(status === 200 || status >= 500, `status ${status}`).toBe(true)
    return answers.every(({ status }) => status >= 500) ? answers : undefined
  })
  for (const answer of [first, second]) {
    expect(answer?.status).toBe(500)
    const text = (await answer?.text()) ?? ''
    expect(JSON.parse(text)).toEqual({ message: expect.any(String), detail: expect.any(String) })
    expect(text).not.toMatch(/password|rotated|postgres/i)
    expect(answer?.headers.get('set-cookie')).toBeNull()
  }
  const readiness = await ask('/readyz')
  expect([readiness.status, await readiness.json()]).toEqual([
    503,
    { message: 'The server is not ready.', detail: expect.stringMatching(/database/) },
  ])
  expect((await ask('/healthz')).status).toBe(200)
  // Nor is a dashboard that opens its stream now sent to the sign-in page.
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/notifications/inbox/watch`, {
    headers: { ...owner.headers },
  })
  const refusal = await new Promise<number | undefined>((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
    socket.on('open', () => resolve(101))
    socket.on('error', () => undefined)
  })
  socket.terminate()
  expect(refusal).toBe(500)

  await setPassword('first')
  await until('answers again', async () => (await ask('/api/v2/users/me')).status === 200)
  await until('readiness', async () => (await ask('/readyz')).status === 200)
  expect(await owner.call(listWorkspaces)).toMatchObject({ count: 0 })
})
