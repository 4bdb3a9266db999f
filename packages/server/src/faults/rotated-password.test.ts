import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import { createFirstUser, getUser, listWorkspaces, login } from '@slipway/contract'
import {
  createTestDatabase,
  openDatabase,
  PASSWORD,
  startServerProcess,
  startTestServer,
  until,
} from '@slipway/testkit'

/** A database with an account of its own, whose password can be changed. */
async function rotatable(steps: AsyncDisposableStack) {
  const { url } = steps.use(await createTestDatabase())
  const { db } = steps.use(await openDatabase(url, { maxConnections: 1 }))
  const role = `rotated_${randomBytes(6).toString('hex')}`
  await sql`create role ${sql.id(role)} login superuser password 'first'`.execute(db)
  steps.defer(async () => void (await sql`drop role ${sql.id(role)}`.execute(db)))
  return {
    url: (password: string): string => {
      const own = new URL(url)
      own.username = role
      own.password = password
      return own.href
    },
    setPassword: (password: string) =>
      sql`alter role ${sql.id(role)} password ${sql.lit(password)}`.execute(db),
    cutOff: () =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`.execute(db),
  }
}

it('OP-47, OP-111: while the database refuses the password, answers are failures of ours and never 401, and all recovers by itself', async () => {
  await using steps = new AsyncDisposableStack()
  const { url, setPassword, cutOff } = await rotatable(steps)
  const server = steps.use(
    await startTestServer({
      databaseUrl: url('first'),
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

it('OP-B3, OP-15: SIGUSR2 takes over another password of the database from its file, and no request fails after that', async () => {
  await using steps = new AsyncDisposableStack()
  const { url, setPassword, cutOff } = await rotatable(steps)
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-fault-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'postgres-url')
  await writeFile(file, `${url('first')}\n`)
  const server = steps.use(
    await startServerProcess({
      CODER_CONFIG_DIR: folder,
      CODER_PG_CONNECTION_URL_FILE: file,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_PROVISIONER_DAEMONS: '0',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: token } = await anonymous.call(login, { body })
  const ask = async () =>
    (await fetch(`${server.url}/api/v2/workspaces`, { headers: { 'Coder-Session-Token': token } })).status
  const said = (text: string) => until(text, () => server.output.includes(text))

  // One that the database does not take is not taken over either.
  await writeFile(file, url('mistyped'))
  server.signal('SIGUSR2')
  await said('the password of the database cannot be read again')
  await cutOff()
  await until('answers with the former password', async () => (await ask()) === 200)

  await setPassword('second')
  await writeFile(file, `${url('second')}\n`)
  server.signal('SIGUSR2')
  await said('passwords and certificates were read again')
  await cutOff()
  // What was under way, or about to be, when the database cut it off may fail; nothing else does.
  await until('answers with the new password', async () => (await ask()) === 200)
  const statuses = await Promise.all(Array.from({ length: 40 }, ask))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(server.output).not.toMatch(/first@|second@|mistyped@/)
}, 120_000)
