import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type AgentConnectionReport,
  assignMemberRoles,
  type ConnectionLog,
  exportConnectionLogs,
  getUser,
  listConnectionLogs,
  openWorkspaceTunnel,
  reportAgentConnections,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

const HOUR = 3_600_000

let server: TestServer
let owner: Client
let member: Client
let ownerId = ''
let organizationId = ''
let database: Awaited<ReturnType<typeof openDatabase>>
let ahead = 0

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    clock: { now: () => new Date(Date.now() + ahead) },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  const me = await owner.call(getUser, { params: { user: 'me' } })
  ownerId = me.id
  organizationId = me.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** An agent of the owner's started workspace, with the token that it holds; nobody runs it. */
async function newAgent(given: { readonly name?: string } = {}) {
  const { db } = database
  const template = await fixtures.template(db, { organization_id: organizationId })
  const workspace = await fixtures.workspace(db, { owner_id: ownerId, template })
  const build = await fixtures.workspaceBuild(db, { workspace })
  const token = randomUUID()
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
    ...given,
  })
  return { workspace, agent, holder: new Client({ url: server.url, token }) }
}

const search = (q: string, client = owner) => client.call(listConnectionLogs, { query: { q } })

/** The entries of a search once there are so many. */
function entries(q: string, count: number): Promise<readonly ConnectionLog[]> {
  return until(`${count} entries for ${q}`, async () => {
    const { connection_logs } = await search(q)
    return connection_logs.length >= count && connection_logs
  })
}

describe('the connection log', () => {
  it('RB-107: nobody is refused; a member sees none, an auditor of an organization its entries alone', async () => {
    const elsewhere = await fixtures.organization(database.db)
    const { workspace } = await newAgent()
    const q = `connection_id:${randomUUID()}`
    const connection_id = q.slice(14)
    await fixtures.connectionLog(database.db, { workspace, type: 'ssh', connection_id })
    await fixtures.connectionLog(database.db, { organization_id: elsewhere.id, type: 'ssh', connection_id })
    expect(await search(q, member)).toEqual({ connection_logs: [], count: 0, count_cap: 2_000 })
    const auditor = await server.user('org-auditor')
    await owner.call(assignMemberRoles, {
      params: { organization: organizationId, user: 'org-auditor' },
      body: { roles: ['organization-auditor'] },
    })
    expect(await search(q, auditor)).toMatchObject({
      count: 1,
      connection_logs: [{ organization: { id: organizationId }, ssh_info: { connection_id } }],
    })
    expect((await search(q)).count).toBe(2)
  })

  it('RB-108: every key narrows the search', async () => {
    const { db } = database
    const holder = await fixtures.user(db, { username: 'Holder', email: 'holder@example.com' })
    const visitor = await fixtures.user(db, { username: 'Visitor', email: 'visitor@example.com' })
    const workspace = await fixtures.workspace(db, { owner: holder })
    const visit = await fixtures.connectionLog(db, {
      workspace,
      type: 'workspace_app',
      user_id: visitor.id,
      slug_or_port: 'code',
      code: 200,
      connect_time: new Date('2026-03-01T10:00:00.500Z'),
    })
    const connection_id = randomUUID()
    const session = await fixtures.connectionLog(db, {
      workspace,
      type: 'vscode',
      connection_id,
      connect_time: new Date('2026-03-01T12:00:00Z'),
    })
    const { name } = await db
      .selectFrom('organizations')
      .select('name')
      .where('id', '=', workspace.organization_id)
      .executeTakeFirstOrThrow()
    const both = [session.id, visit.id]
    for (const [q, ids] of [
      ['workspace_owner:HOLDER', both],
      ['workspace_owner_email:holder@example.com', both],
      [`organization:${name}`, both],
      [`organization:${workspace.organization_id} type:vscode`, [session.id]],
      [`workspace_id:${workspace.id}`, both],
      ['username:visitor', [visit.id]],
      ['user_email:Visitor@example.com', [visit.id]],
      [`connection_id:${connection_id}`, [session.id]],
      [`workspace_id:${workspace.id} status:ongoing`, [session.id]],
      [`workspace_id:${workspace.id} status:completed`, []],
      [`workspace_id:${workspace.id} connected_after:"2026-03-01T10:00:00.501Z"`, [session.id]],
      [`workspace_id:${workspace.id} connected_before:"2026-03-01T10:00:00.500Z"`, [visit.id]],
      [`workspace_id:${workspace.id} username:me`, []],
    ] as const)
      expect(
        (await search(q)).connection_logs.map(({ id }) => id),
        q,
      ).toEqual(ids)
    await expect(
      search('free type:x connected_after:now status:maybe foo:bar workspace_id:1'),
    ).rejects.toMatchObject({
      status: 400,
      message: 'Invalid connection search query.',
      validations: expect.arrayContaining(
        ['search', 'type', 'connected_after', 'status', 'foo', 'workspace_id'].map((field) =>
          expect.objectContaining({ field }),
        ),
      ),
    })
  })

  it('RB-128: pages behind an entry neither repeat nor leave out what has the same time', async () => {
    const { workspace } = await newAgent()
    const connect_time = new Date()
    for (let n = 0; n < 5; n += 1) await fixtures.connectionLog(database.db, { workspace, connect_time })
    const q = `workspace_id:${workspace.id}`
    const all = (await search(q)).connection_logs.map(({ id }) => id)
    const seen: string[] = []
    for (;;) {
      const after_id = seen.at(-1)
      const { connection_logs } = await owner.call(listConnectionLogs, {
        query: { q, limit: 2, ...(after_id === undefined ? {} : { after_id }) },
      })
      if (connection_logs.length === 0) break
      seen.push(...connection_logs.map(({ id }) => id))
      await fixtures.connectionLog(database.db, { workspace, connect_time: new Date(Date.now() + HOUR) })
    }
    expect(seen).toEqual(all)
  })

  it('RB-128: is exported whole, as lines of JSON and as CSV that no spreadsheet runs', async () => {
    const { workspace } = await newAgent()
    for (let n = 0; n < 3; n += 1)
      await fixtures.connectionLog(database.db, { workspace, user_agent: '=cmd|"x"' })
    const read = async (format: 'csv' | 'jsonl', client = owner) => {
      const query = { q: `workspace_id:${workspace.id}`, format }
      const answer = await fetch(client.address(exportConnectionLogs, { query }), { headers: client.headers })
      return { answer, text: await answer.text() }
    }
    const { answer, text } = await read('jsonl')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="connection-log.jsonl"')
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).workspace_id)).toEqual(Array(3).fill(workspace.id))
    const csv = (await read('csv')).text.trimEnd().split('\r\n')
    expect(csv).toHaveLength(4)
    expect(csv[0]).toMatch(/^connect_time,type,/)
    expect(csv[1]).toContain(`,"'=cmd|""x""",`)
    expect((await read('jsonl', member)).text).toBe('')
  })
})

describe('AC-81: what agents report', () => {
  const report = (
    holder: Client,
    ...connections: (Partial<AgentConnectionReport> & Pick<AgentConnectionReport, 'id' | 'action'>)[]
  ) =>
    holder.call(reportAgentConnections, {
      body: {
        connections: connections.map((one) => ({
          type: 'ssh' as const,
          time: new Date().toISOString(),
          ...one,
        })),
      },
    })

  it.concurrent('RB-113, T36: an end before its beginning is one row, with the earliest and the first of them', async () => {
    const { holder, workspace, agent } = await newAgent()
    const id = randomUUID()
    const at = (second: number) => `2026-04-01T10:00:${String(second).padStart(2, '0')}.000Z`
    await report(holder, { id, action: 'disconnect', time: at(30), exit_code: 3, reason: 'over' })
    const [lone] = await entries(`connection_id:${id}`, 1)
    expect(lone).toMatchObject({ connect_time: at(30), ssh_info: { disconnect_time: at(30), exit_code: 3 } })
    await report(
      holder,
      { id, action: 'connect', time: at(10), ip: 'localhost' },
      { id, action: 'connect', time: at(20), ip: '192.0.2.1' },
      { id, action: 'disconnect', time: at(40), exit_code: 4, reason: 'later' },
    )
    const found = await until('the beginning', async () => {
      const { connection_logs } = await search(`connection_id:${id}`)
      return connection_logs[0]?.connect_time === at(10) && connection_logs
    })
    expect(found).toEqual([
      {
        id: expect.any(String),
        connect_time: at(10),
        organization: expect.objectContaining({ id: organizationId }),
        workspace_owner_id: ownerId,
        workspace_owner_username: 'owner',
        workspace_id: workspace.id,
        workspace_name: workspace.name,
        agent_name: agent.name,
        ip: '127.0.0.1',
        type: 'ssh',
        ssh_info: { connection_id: id, disconnect_time: at(30), disconnect_reason: 'over', exit_code: 3 },
      },
    ])
    // So it is with what is stored already and what comes later, in the same batch as something else.
    const marker = randomUUID()
    await report(
      holder,
      { id, action: 'disconnect', time: at(50), exit_code: 5, reason: 'again' },
      { id: marker, action: 'connect', time: at(50) },
    )
    await entries(`connection_id:${marker}`, 1)
    expect((await search(`connection_id:${id}`)).connection_logs).toEqual(found)
  })

  it.concurrent('RB-132: an agent changes nothing of another workspace with an id that it knows', async () => {
    const [one, other] = [await newAgent({ name: 'main' }), await newAgent({ name: 'main' })]
    const id = randomUUID()
    await Promise.all([
      report(one.holder, { id, action: 'connect', type: 'jetbrains' }),
      report(other.holder, { id, action: 'connect' }, { id, action: 'disconnect' }),
    ])
    const found = await entries(`connection_id:${id}`, 2)
    expect(
      found.map((log) => [log.workspace_id, log.type, log.ssh_info?.disconnect_time !== undefined]),
    ).toEqual(
      expect.arrayContaining([
        [one.workspace.id, 'jetbrains', false],
        [other.workspace.id, 'ssh', true],
      ]),
    )
  })

  it.concurrent('RB-126: hostile texts are cut and stored, and spoil nothing of others', async () => {
    const { holder } = await newAgent()
    const id = randomUUID()
    await report(holder, { id, action: 'disconnect', ip: 'no address', reason: `\u0000${'x'.repeat(4_000)}` })
    const [found] = await entries(`connection_id:${id}`, 1)
    expect(found).toMatchObject({ ip: '', ssh_info: { disconnect_reason: 'x'.repeat(1_024) } })
  })

  it.concurrent('RB-132: one id in two spellings is one session, and the zone of an address is left out', async () => {
    const { holder } = await newAgent()
    const id = randomUUID()
    await report(
      holder,
      { id: id.toUpperCase(), action: 'connect', ip: 'fe80::1%eth0' },
      { id, action: 'disconnect' },
    )
    const found = await entries(`connection_id:${id}`, 1)
    expect(found).toMatchObject([{ ip: 'fe80::1', ssh_info: { disconnect_time: expect.any(String) } }])
  })

  it.concurrent.each(['2026-06-30T23:59:60Z', '2026-06-30T23:59:59Z[Europe/Paris]'])(
    'ID-89: %s is no moment that could be stored',
    async (time) => {
      const { holder } = await newAgent()
      await expect(report(holder, { id: randomUUID(), action: 'connect', time })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'connections.0.time' }],
      })
    },
  )

  it('RB-112: what is buffered is stored when the server stops', async () => {
    const { holder } = await newAgent()
    const id = randomUUID()
    await report(holder, { id, action: 'connect' })
    await server.stop()
    const stored = await database.db
      .selectFrom('connection_logs')
      .select('id')
      .where('connection_id', '=', id)
      .execute()
    expect(stored).toHaveLength(1)
    await server.start()
    owner = await server.owner()
    member = new Client({ url: server.url, token: member.headers['Coder-Session-Token'] ?? '' })
  })
})

describe('RB-110: what goes through the server', () => {
  it.concurrent('a tunnel that is refused, for whom it was', async () => {
    const { workspace, agent } = await newAgent()
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    const address = member.address(openWorkspaceTunnel, { params: { workspaceagent: agent.id } })
    expect((await fetch(address, { headers: member.headers })).status).toBe(404)
    const [found] = await entries(`workspace_id:${workspace.id}`, 1)
    expect(found).toMatchObject({
      type: 'tunnel',
      ip: expect.stringMatching(/127\.0\.0\.1|::1/),
      web_info: { status_code: 403, slug_or_port: '', user: { id } },
    })
    // Who asks for what is no agent spoils nothing.
    for (const odd of ['nonsense', randomUUID()])
      await fetch(address.replace(agent.id, odd), { headers: member.headers })
  })

  it('RB-111, T37: twenty visits within an hour are one entry, one after two hours another', async () => {
    const { workspace, agent } = await newAgent()
    await fixtures.workspaceApp(database.db, { agent, slug: 'code', url: 'http://127.0.0.1:9999' })
    const address = `${server.url}/@owner/${workspace.name}/apps/code/`
    const q = `workspace_id:${workspace.id}`
    const visit = async (headers: Record<string, string>) => {
      await (await fetch(address, { headers, redirect: 'manual' })).text()
    }
    for (let n = 0; n < 20; n += 1) await visit(owner.headers)
    const [first] = await entries(q, 1)
    expect(first).toMatchObject({
      type: 'workspace_app',
      web_info: { slug_or_port: 'code', user: { username: 'owner' }, status_code: 404 },
    })
    ahead = 0.5 * HOUR
    await visit(owner.headers)
    await visit({ ...owner.headers, 'User-Agent': 'other' })
    expect(await entries(q, 2)).toHaveLength(2)
    ahead = 2 * HOUR
    await visit(owner.headers)
    await visit({})
    const all = await entries(q, 4)
    expect(all).toHaveLength(4)
    expect(all.map(({ web_info }) => [web_info?.user?.username, web_info?.status_code])).toEqual(
      expect.arrayContaining([[undefined, 303]]),
    )
    ahead = 0
  })
})
