import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  createTestDatabase,
  fixtures,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { isAllowed, PREBUILDS_USER, systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { PURGED } from './records.ts'
import { tryPurgeLock } from './store.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)

let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_AUDIT_LOGS_RETENTION: '30d',
      CODER_CONNECTION_LOGS_RETENTION: '10d',
      CODER_AI_GATEWAY_RETENTION: '10h',
    },
  })
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

it('RB-113: entries of the connection log live as long as their retention says, and visits as long as they last', async () => {
  const old = await fixtures.connectionLog(database.db, { connect_time: daysAgo(11) })
  const young = await fixtures.connectionLog(database.db, { connect_time: daysAgo(9) })
  await fixtures.connectionVisit(database.db, { updated_at: daysAgo(1) })
  await fixtures.connectionVisit(database.db)
  await purge()
  const left = () => database.db.selectFrom('connection_logs').select('id').execute()
  await until('the old entry to go', async () => !(await left()).some(({ id }) => id === old.id))
  expect((await left()).map(({ id }) => id)).toContain(young.id)
  await until('the visit that is over to go', async () => {
    const visits = await database.db.selectFrom('connection_visits').select('digest').execute()
    return visits.length === 1
  })
})

it('AG-135, AG-136: what the gateway has recorded goes with its request, by an actor that may only delete it', async () => {
  const { db } = database
  // Not before the stop: the round of the start before would delete a request before the test gives it what it recorded.
  await server.stop()
  const began = (hoursAgo: number, ended_at: Date | null = new Date()) =>
    fixtures.aibridgeInterception(db, { started_at: daysAgo(hoursAgo / 24), ended_at })
  const [old, young] = [await began(11), await began(9)]
  const [underWay, abandoned] = [await began(11, null), await began(35, null)]
  for (const interception of [old, young]) await fixtures.aibridgeTokenUsage(db, { interception })
  await server.start()
  const left = async (): Promise<string[]> =>
    (await db.selectFrom('aibridge_interceptions').select('id').execute()).map(({ id }) => id)
  await until('the old requests to go', async () => {
    const ids = await left()
    return !ids.includes(old.id) && !ids.includes(abandoned.id)
  })
  expect(await left()).toEqual(expect.arrayContaining([young.id, underWay.id]))
  const usages = await db.selectFrom('aibridge_token_usages').select('interception_id').execute()
  expect(usages.map((usage) => usage.interception_id)).toEqual([young.id])
  const actor = systemActor('dbpurge', 'a test asks what the purge may do')
  const may = (['create', 'read', 'update', 'delete'] as const).filter((action) =>
    isAllowed(actor, action, { type: 'aibridge_interception', owner: old.initiator_id }),
  )
  expect(may).toEqual(['delete'])
})

it('AG-B12, AG-B14: tokens of past minutes go, and what was set aside for requests that nobody serves any more', async () => {
  const { db } = database
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  const old = await fixtures.aiMinuteTokens(db, { minute: minutesAgo(11) })
  const young = await fixtures.aiMinuteTokens(db, { minute: minutesAgo(9) })
  const expired = await fixtures.aiSpendReservation(db, { expires_at: minutesAgo(2) })
  const held = await fixtures.aiSpendReservation(db)
  await purge()
  const minutes = async () =>
    (await db.selectFrom('ai_minute_tokens').select('subject_id').execute()).map((row) => row.subject_id)
  const reservations = async () =>
    (await db.selectFrom('ai_spend_reservations').select('interception_id').execute()).map(
      (row) => row.interception_id,
    )
  await until('the old minute to go', async () => !(await minutes()).includes(old.subject_id))
  expect(await minutes()).toContain(young.subject_id)
  await until('the expired one to go', async () => !(await reservations()).includes(expired.interception_id))
  expect(await reservations()).toContain(held.interception_id)
})

it('ID-42, OP-76: keys go a week after they have expired', async () => {
  const old = await fixtures.apiKey(database.db, { expires_at: daysAgo(8) })
  const young = await fixtures.apiKey(database.db, { expires_at: daysAgo(6) })
  await purge()
  const left = () => database.db.selectFrom('api_keys').select('id').execute()
  await until('the old key to go', async () => !(await left()).some(({ id }) => id === old.id))
  expect((await left()).map(({ id }) => id)).toContain(young.id)
})

it('PR-24: provisioners that nobody has seen for a week go, by an actor that may do nothing else with them', async () => {
  const { id: organization_id } = await database.db
    .selectFrom('organizations')
    .select('id')
    .executeTakeFirstOrThrow()
  const daemon = (name: string, created: number, seen?: number) => ({
    id: randomUUID(),
    organization_id,
    name,
    key_id: randomUUID(),
    provisioners: ['terraform' as const],
    tags: JSON.stringify({ scope: 'organization', owner: '' }),
    version: 'v1',
    created_at: daysAgo(created),
    last_seen_at: seen === undefined ? null : daysAgo(seen),
  })
  const young = [daemon('made lately', 6), daemon('seen lately', 60, 6)]
  const old = [daemon('never seen', 8), daemon('long gone', 60, 8)]
  await database.db
    .insertInto('provisioner_daemons')
    .values([...young, ...old])
    .execute()
  await purge()
  const left = async () => {
    const rows = await database.db
      .selectFrom('provisioner_daemons')
      .select('name')
      .where(
        'id',
        'in',
        [...young, ...old].map(({ id }) => id),
      )
      .orderBy('name')
      .execute()
    return rows.map(({ name }) => name)
  }
  await until('the old ones to go', async () => (await left()).length <= 2)
  expect(await left()).toEqual(['made lately', 'seen lately'])
  const purger = systemActor('dbpurge', 'test')
  for (const action of ['read', 'update', 'delete'] as const)
    expect(isAllowed(purger, action, { type: 'provisioner_daemon' }), action).toBe(false)
  expect(isAllowed(purger, 'delete', { type: 'system' })).toBe(true)
})

it('OP-53: while another replica deletes records of a kind, this one leaves those and goes on with the others', async () => {
  const purger = systemActor('dbpurge', 'test')
  const held = await fixtures.apiKey(database.db, { expires_at: daysAgo(8) })
  const other = await fixtures.auditLog(database.db, { time: daysAgo(31) })
  const [entered, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await using holder = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const holding = holder.transaction(async (tx) => {
    expect(await tryPurgeLock(purger, tx, 'expired_api_keys')).toBe(true)
    entered.resolve()
    await release.promise
  })
  await entered.promise
  const keys = async () =>
    (await database.db.selectFrom('api_keys').select('id').execute()).map(({ id }) => id)
  const logs = async () =>
    (await database.db.selectFrom('audit_logs').select('id').execute()).map(({ id }) => id)
  try {
    await purge()
    // Its turn comes after that of the keys.
    await until('the entry to go', async () => !(await logs()).includes(other.id))
    expect(await keys()).toContain(held.id)
  } finally {
    release.resolve()
    await holding
  }
  await purge()
  await until('the key to go', async () => !(await keys()).includes(held.id))
})

it('WS-220: keys of the user of prebuilt workspaces end that are of nothing, and of workspaces that are not its own', async () => {
  const { db } = database
  const prebuilds = await fixtures.user(db, { id: PREBUILDS_USER, is_system: true, login_type: 'none' })
  const template = await fixtures.template(db)
  const [own, claimed, gone] = [
    await fixtures.workspace(db, { template, owner: prebuilds }),
    await fixtures.workspace(db, { template }),
    await fixtures.workspace(db, { template, owner: prebuilds, deleted: true }),
  ]
  const key = (token_name: string, columns: object = {}) =>
    fixtures.apiKey(db, { user: prebuilds, token_name, expires_at: daysAgo(-1), ...columns })
  const ofWorkspace = ({ id }: { readonly id: string }) => key(`${PREBUILDS_USER}_${id}_session_token`)
  const [kept, named] = [await ofWorkspace(own), await key('by-hand')]
  const ends = [await ofWorkspace(claimed), await ofWorkspace(gone), await key('')]
  const { id: others } = await fixtures.apiKey(db, { token_name: '', expires_at: daysAgo(-1) })
  await purge()
  const valid = async () =>
    (await db.selectFrom('api_keys').select('id').where('expires_at', '>', new Date()).execute()).map(
      ({ id }) => id,
    )
  await until('them to end', async () => {
    const left = await valid()
    return ends.every(({ id }) => !left.includes(id))
  })
  expect(await valid()).toEqual(expect.arrayContaining([kept.id, named.id, others]))
})

it('WS-178, OP-76: wishes for builds to follow others go a day after they are decided, and not while they wait', async () => {
  const { db } = database
  const columns = { updated_at: daysAgo(2) }
  // Its parent has not ended, so that nothing follows meanwhile.
  const job = await fixtures.provisionerJob(db, {
    started_at: null,
    completed_at: null,
    tags: JSON.stringify({ held: 'yes' }),
  })
  const parent = await fixtures.workspaceBuild(db, { job, transition: 'stop' })
  const waiting = await fixtures.workspaceBuildOrchestration(db, { parent, ...columns })
  const old = await fixtures.workspaceBuildOrchestration(db, { ...columns, status: 'completed' })
  const young = await fixtures.workspaceBuildOrchestration(db, { status: 'failed' })
  await purge()
  const left = async () =>
    (await db.selectFrom('workspace_build_orchestrations').select('id').execute()).map(({ id }) => id)
  await until('the old one to go', async () => !(await left()).includes(old.id))
  expect(await left()).toEqual(expect.arrayContaining([waiting.id, young.id]))
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

it('OP-78: what was deleted is counted, of the kinds that have a name', async () => {
  // Not before the stop: the round of the start before may still be under way.
  await server.stop()
  await fixtures.auditLog(database.db, { time: daysAgo(40) })
  await server.start()
  const client = await server.owner()
  const metrics = async () => (await fetch(`${server.url}/metrics`, { headers: client.headers })).text()
  const round = /iteration_duration_seconds_count\{success="true"\} [1-9]/
  await until('the round to end', async () => round.test(await metrics()))
  const text = await metrics()
  expect(text).toMatch(/records_purged_total\{record_type="audit_logs"\} [1-9]/)
  expect([...text.matchAll(/records_purged_total\{record_type="(\w+)"\}/g)].map(([, type]) => type)).toEqual([
    'workspace_agent_logs',
    'expired_api_keys',
    'connection_logs',
    'audit_logs',
    'workspace_build_orchestrations',
    'chats',
    'chat_files',
    'aibridge_records',
  ])
})

it('RB-86: connection events of old audit logs go after 90 days, whatever is kept else', async () => {
  const open = { action: 'open' }
  const old = await fixtures.auditLog(database.db, { ...open, time: daysAgo(91) })
  const young = await fixtures.auditLog(database.db, { ...open, time: daysAgo(89) })
  await purge()
  const left = () => database.db.selectFrom('audit_logs').select('id').execute()
  await until('the old event to go', async () => !(await left()).some(({ id }) => id === old.id))
  expect((await left()).map(({ id }) => id)).toContain(young.id)
})

it('OP-52: minutes of use go a day after they were rolled up, and those that never are after half a year', async () => {
  await using copy = await createTestDatabase()
  await using own = await openDatabase(copy.url, { maxConnections: 1 })
  const actor = systemActor('dbpurge', 'a test deletes what is old')
  const ages = [0.5, 2, 100, 181]
  for (const days of ages) {
    await fixtures.workspaceAgentStat(own.db, { minute: daysAgo(days) })
    await fixtures.workspaceAppStat(own.db, { minute: daysAgo(days) })
  }
  /** How many are left of either kind. */
  const purgeMinutes = async (): Promise<number[]> => {
    const left: number[] = []
    for (const table of ['workspace_agent_stats', 'workspace_app_stats'] as const) {
      const records = PURGED.find(({ type }) => type === table)
      await records?.old.deleteOld(actor, own.db, { before: daysAgo(180), limit: 100 })
      left.push((await own.db.selectFrom(table).select('minute').execute()).length)
    }
    return left
  }
  expect(await purgeMinutes()).toEqual([3, 3])
  await fixtures.usageRollup(own.db, { rolled_up_to: daysAgo(1.5) })
  expect(await purgeMinutes()).toEqual([2, 2])
  await fixtures.usageRollup(own.db, { rolled_up_to: new Date() })
  expect(await purgeMinutes()).toEqual([1, 1])
})
