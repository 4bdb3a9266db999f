import { afterAll, beforeAll, expect, it } from 'vitest'

import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)

let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_AUDIT_LOGS_RETENTION: '30d' } })
  database = await openDatabase(server.databaseUrl)
  await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** A round is run at every start. */
async function purge(): Promise<void> {
  await server.stop()
  await server.start()
}

it('RB-106, OP-76: audit entries live as long as their retention says', async () => {
  const old = await fixtures.auditLog(database.db, { time: daysAgo(31) })
  const young = await fixtures.auditLog(database.db, { time: daysAgo(29) })
  await purge()
  const left = () => database.db.selectFrom('audit_logs').select('id').execute()
  await until('the old entry to go', async () => !(await left()).some(({ id }) => id === old.id))
  expect((await left()).map(({ id }) => id)).toContain(young.id)
})

it('OP-76: keys go a week after they have expired', async () => {
  const old = await fixtures.apiKey(database.db, { expires_at: daysAgo(8) })
  const young = await fixtures.apiKey(database.db, { expires_at: daysAgo(6) })
  await purge()
  const left = () => database.db.selectFrom('api_keys').select('id').execute()
  await until('the old key to go', async () => !(await left()).some(({ id }) => id === old.id))
  expect((await left()).map(({ id }) => id)).toContain(young.id)
})

it('AC-96: logs of agents of earlier builds go, those of the latest one never', async () => {
  const workspace = await fixtures.workspace(database.db)
  const logOf = async () => {
    const build = await fixtures.workspaceBuild(database.db, { workspace })
    const resource = await fixtures.workspaceResource(database.db, { build })
    const agent = await fixtures.workspaceAgent(database.db, { resource, created_at: daysAgo(9) })
    return fixtures.workspaceAgentLog(database.db, { agent_id: agent.id })
  }
  const [earlier, latest] = [await logOf(), await logOf()]
  await purge()
  const left = () => database.db.selectFrom('workspace_agent_logs').select('id').execute()
  await until('the old line to go', async () => !(await left()).some(({ id }) => id === earlier.id))
  expect((await left()).map(({ id }) => id)).toContain(latest.id)
})

it('OP-78: what was deleted is counted', async () => {
  await fixtures.auditLog(database.db, { time: daysAgo(40) })
  await purge()
  const client = await server.owner()
  await until('the metrics to tell', async () => {
    const answer = await fetch(`${server.url}/metrics`, { headers: client.headers })
    return /records_purged_total\{record_type="audit_logs"\} [1-9]/.test(await answer.text())
  })
})
