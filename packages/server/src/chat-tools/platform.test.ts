import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { ApiFailure } from '@slipway/client'
import {
  createBuild,
  createMcpServerConfig,
  getUser,
  getWorkspace,
  listAuditLogs,
  listWorkspaces,
  suspendUser,
  type Template,
  updateChat,
  updateTemplate,
} from '@slipway/contract'
import { fixtures, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import { bindWorkspace } from './store/chats.ts'
import { World } from './world.fixture.ts'

let world: World
let template: Template

beforeAll(async () => {
  world = await World.start()
  template = await world.template('plain', 'main')
})
afterAll(() => world[Symbol.asyncDispose]())

const stop = async (id: string, transition: 'stop' | 'start' | 'delete' = 'stop') => {
  await world.owner.call(createBuild, { params: { workspace: id }, body: { transition } })
  await until(`its ${transition}`, async () => {
    const { latest_build } = await world.owner.call(getWorkspace, {
      params: { workspace: id },
      query: { include_deleted: true },
    })
    return latest_build.transition === transition && latest_build.job.completed_at !== undefined
  })
}

describe('templates', () => {
  it('CH-1112: are listed with what a model chooses by, and read in full', async () => {
    const chat = await world.chat()
    const { result } = await world.call(chat, 'list_templates', { query: 'PLAIN' })
    expect(result).toMatchObject({
      templates: [
        {
          id: template.id,
          name: 'plain',
          your_workspace_count: 0,
          last_used_by_you: null,
          active_developers: 0,
          readme: '',
        },
      ],
      page: 1,
      recommended_template_id: template.id,
      next_step: expect.stringContaining('create_workspace'),
    })
    expect((await world.call(chat, 'list_templates', { query: 'no such thing' })).result).toMatchObject({
      templates: [],
      next_step: expect.stringContaining('without a query'),
    })
    expect((await world.call(chat, 'read_template', { template_id: template.id })).result).toMatchObject({
      name: 'plain',
      parameters: [],
      presets: [],
    })
    await world.owner.call(updateTemplate, {
      params: { template: template.id },
      body: { agents_allowed: false },
    })
    expect(await world.call(chat, 'create_workspace', { template_id: template.id })).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('not open to chats') },
    })
    const { templates } = Object((await world.call(chat, 'list_templates')).result)
    expect(templates.map(({ name }: { readonly name: string }) => name)).not.toContain('plain')
    await world.owner.call(updateTemplate, {
      params: { template: template.id },
      body: { agents_allowed: true },
    })
  })

  it('WS-51, T-5, CH-1110: a template of another organization makes no workspace and binds nothing', async () => {
    const { db } = world.context.database
    const organization = await fixtures.organization(db)
    const chat = await world.chat({ organization_id: organization.id })
    for (const name of ['create_workspace', 'read_template'])
      expect(await world.call(chat, name, { template_id: template.id })).toMatchObject({
        isError: true,
        result: { error: 'template not found', next_action: expect.stringContaining('list_templates') },
      })
    expect((await world.call(chat, 'list_templates')).result).toMatchObject({ templates: [] })
    expect((await world.row(chat.id)).workspace_id).toBeNull()
    expect((await world.owner.call(listWorkspaces)).count).toBe(0)
  })
})

describe('the workspace of a chat', () => {
  let chat: ChatRow

  it('CH-1110: is made, bound, waited for and audited; without one the model is told to make one', async () => {
    chat = await world.chat()
    expect(await world.call(chat, 'execute', { command: 'true' })).toMatchObject({
      isError: true,
      result: { code: 'no_workspace', next_action: expect.stringContaining('create_workspace') },
    })
    const { result } = await world.call(chat, 'create_workspace', { template_id: template.id, name: 'made' })
    expect(result).toMatchObject({
      created: true,
      workspace_name: 'made',
      build_id: expect.any(String),
      agent_status: 'connected',
      startup_scripts: 'succeeded',
    })
    const row = await world.row(chat.id)
    expect(row.workspace_id).toBe(Object(result).workspace_id)
    expect((await world.call(chat, 'execute', { command: 'echo in' })).result).toMatchObject({
      output: 'in\n',
    })
    const { audit_logs } = await world.owner.call(listAuditLogs, {
      query: { q: 'resource_type:workspace action:create' },
    })
    expect(audit_logs).toContainEqual(
      expect.objectContaining({
        resource_id: row.workspace_id,
        additional_fields: expect.objectContaining({ chat_id: chat.id }),
      }),
    )
  })

  it('CH-1111: the one that runs is given again; a name that is taken gets another ending', async () => {
    const again = await world.call(chat, 'create_workspace', { template_id: template.id })
    expect(again.result).toMatchObject({ created: false, workspace_name: 'made', agent_status: 'connected' })
    const other = await world.chat()
    const { result } = await world.call(other, 'create_workspace', { template_id: template.id, name: 'made' })
    expect(Object(result).workspace_name).toMatch(/^made-[0-9a-f]{4}$/)
    const unnamed = await world.chat()
    const odd = await world.call(unnamed, 'create_workspace', {
      template_id: template.id,
      name: 'no good name!',
    })
    expect(Object(odd.result).workspace_name).toMatch(/^no-good-name-[0-9a-f]{4}$/)
  })

  it('CH-1110: a workspace that the user attaches meanwhile stays attached', async () => {
    const { db } = world.context.database
    const one = await world.chat()
    const noted: never[] = []
    const args = { template_id: template.id }
    const made = Object((await world.call(one, 'create_workspace', args, { noted })).result)
    const chosen = (await world.row(chat.id)).workspace_id
    await db.updateTable('chats').set({ workspace_id: chosen }).where('id', '=', one.id).execute()
    const resumed = await world.call(one, 'create_workspace', args, { resume: noted[0] ?? null })
    expect(resumed).toMatchObject({ isError: true, result: { code: 'refused' } })
    // As the tool has read it before the user attached one.
    const actor = systemActor('chatd', 'a test')
    expect(await bindWorkspace(actor, db, one, made.workspace_id, new Date())).toBe(false)
    expect((await world.row(one.id)).workspace_id).toBe(chosen)
  })

  it('B-5: a call that has made a workspace, and whose process died then, makes no second one', async () => {
    const one = await world.chat()
    const noted: never[] = []
    const args = { template_id: template.id }
    const { result } = await world.call(one, 'create_workspace', args, { noted })
    expect(noted).toEqual([{ workspace_id: Object(result).workspace_id }])
    const { db } = world.context.database
    await db.updateTable('chats').set({ workspace_id: null }).where('id', '=', one.id).execute()
    const again = await world.call(one, 'create_workspace', args, { resume: noted[0] ?? null })
    expect(Object(again.result).workspace_id).toBe(Object(result).workspace_id)
    expect((await world.row(one.id)).workspace_id).toBe(Object(result).workspace_id)
  })

  it('T-8, CH-105, CH-1204: stopped it is said so; started again it has another agent, and all goes on', async () => {
    const before = await agentOf(chat)
    expect((await world.call(chat, 'stop_workspace')).result).toMatchObject({
      stopped: true,
      status: 'stopped',
    })
    expect((await world.call(chat, 'stop_workspace')).result).toMatchObject({ stopped: false })
    expect(await world.call(chat, 'execute', { command: 'true' })).toMatchObject({
      isError: true,
      result: { code: 'workspace_stopped', next_action: 'Call start_workspace.' },
    })
    expect((await world.call(chat, 'create_workspace', { template_id: template.id })).result).toMatchObject({
      created: false,
      status: 'stopped',
    })
    expect((await world.call(chat, 'start_workspace')).result).toMatchObject({
      started: true,
      agent_status: 'connected',
    })
    expect((await world.call(chat, 'start_workspace')).result).toMatchObject({ started: false })
    expect((await world.call(chat, 'execute', { command: 'echo again' })).result).toMatchObject({
      output: 'again\n',
    })
    expect(await agentOf(chat)).not.toBe(before)
  })

  it('CH-1202: another agent is taken when it becomes the one of the chat while the first is dialled', async () => {
    const { db } = world.context.database
    const agent = await agentOf(chat)
    const { resource_id } = await db
      .selectFrom('workspace_agents')
      .select('resource_id')
      .where('id', '=', agent)
      .executeTakeFirstOrThrow()
    const gone = new Date()
    const away = await fixtures.workspaceAgent(db, {
      resource_id,
      name: 'away-coderd-chat',
      first_connected_at: gone,
      last_connected_at: gone,
      disconnected_at: gone,
    })
    const called = world.call(chat, 'execute', { command: 'printf %s "$CODER_WORKSPACE_AGENT_NAME"' })
    await until('the first dial', () => world.dialled.includes(away.id))
    await db.updateTable('workspace_agents').set({ name: 'away' }).where('id', '=', away.id).execute()
    expect((await called).result).toMatchObject({ output: 'main' })
    expect(world.dialled.at(-1)).toBe(agent)
    await db.deleteFrom('workspace_agents').where('id', '=', away.id).execute()
  })

  it('CH-1203: is noted as used', async () => {
    const id = (await world.row(chat.id)).workspace_id ?? ''
    const { db } = world.context.database
    await db
      .updateTable('workspaces')
      .set({ last_used_at: new Date(0) })
      .where('id', '=', id)
      .execute()
    await world.call(chat, 'execute', { command: 'true' })
    const { last_used_at } = await world.owner.call(getWorkspace, { params: { workspace: id } })
    expect(new Date(last_used_at).getTime()).toBeGreaterThan(Date.now() - 60_000)
  })

  it('L-44: an agent that is lost for good, and a workspace that is gone, each name one thing to do', async () => {
    const { db } = world.context.database
    const lost = new Date(Date.now() - 100_000)
    const agent = await fixtures.workspaceAgent(db, {
      resource: await fixtures.workspaceResource(db, {
        build: await fixtures.workspaceBuild(db, {
          workspace: await fixtures.workspace(db, {
            owner_id: world.ownerId,
            organization_id: world.organizationId,
          }),
        }),
      }),
      first_connected_at: lost,
      last_connected_at: lost,
      disconnected_at: lost,
    })
    const { workspace_id } = await db
      .selectFrom('agents_with_workspace')
      .select('workspace_id')
      .where('id', '=', agent.id)
      .executeTakeFirstOrThrow()
    const waiting = await world.chat({ workspace_id })
    expect(await world.call(waiting, 'read_file', { path: '/x' })).toMatchObject({
      isError: true,
      result: { code: 'agent_lost', next_action: 'Call stop_workspace, and then start_workspace.' },
    })
    const id = (await world.row(chat.id)).workspace_id ?? ''
    await stop(id, 'delete')
    expect(await world.call(chat, 'execute', { command: 'true' })).toMatchObject({
      isError: true,
      result: {
        code: expect.stringMatching(/^(workspace_gone|no_workspace)$/),
        next_action: expect.stringContaining('create_workspace'),
      },
    })
    const made = await world.call(chat, 'create_workspace', { template_id: template.id })
    expect(made.result).toMatchObject({ created: true })
  })

  it('CH-310: what the owner may not do any more, the next call may not either', async () => {
    const member = await world.server.user('member')
    const { id: memberId } = await member.call(getUser, { params: { user: 'me' } })
    const foreign = await world.chat({
      owner_id: memberId,
      workspace_id: (await world.row(chat.id)).workspace_id,
    })
    expect(await world.call(foreign, 'execute', { command: 'true' })).toMatchObject({
      isError: true,
      result: { code: 'workspace_gone' },
    })
    const own = await world.chat({ owner_id: memberId })
    const { result } = await world.call(own, 'create_workspace', { template_id: template.id })
    expect(result).toMatchObject({ created: true })
    await world.owner.call(suspendUser, { params: { user: memberId } })
    expect(await world.call(own, 'execute', { command: 'true' })).toMatchObject({
      isError: true,
      result: { code: 'owner_inactive' },
    })
  })

  async function agentOf(of: ChatRow): Promise<string> {
    const id = (await world.row(of.id)).workspace_id ?? ''
    const { latest_build } = await world.owner.call(getWorkspace, { params: { workspace: id } })
    return latest_build.resources.flatMap((resource) => resource.agents ?? [])[0]?.id ?? ''
  }
})

describe('agents of a workspace', () => {
  it('T-9: the first by order is taken, else the designated one; two designated ones are named', async () => {
    const hostOf = async (name: string, ...agents: readonly string[]) => {
      const workspace = await world.workspace(name, await world.template(name, ...agents))
      const chat = await world.chat({ workspace_id: workspace.id })
      return world.call(chat, 'execute', { command: 'printf %s "$CODER_WORKSPACE_AGENT_NAME"' })
    }
    expect((await hostOf('pair', 'zebra', 'alpha')).result).toMatchObject({
      output: expect.stringMatching(/^(zebra|alpha)$/),
    })
    expect((await hostOf('chosen', 'alpha', 'x-coderd-chat')).result).toMatchObject({
      output: 'x-coderd-chat',
    })
    expect(await hostOf('twice', 'x-coderd-chat', 'y-coderd-chat')).toMatchObject({
      isError: true,
      result: { code: 'ambiguous_agent', error: expect.stringMatching(/x-coderd-chat, y-coderd-chat/) },
    })
  })
})

describe('subagents', () => {
  it('T-2, CH-1120, CH-1121: inherit from their chat what they should, and start nothing themselves', async () => {
    const parent = await world.chat({
      client_type: 'ui',
      labels: JSON.stringify({ a: 'b' }),
      plan_mode: 'plan',
    })
    const spawned = await world.call(parent, 'spawn_agent', {
      type: 'general',
      prompt: 'Look at the tests of it',
    })
    expect(spawned.result).toMatchObject({
      status: 'running',
      type: 'general',
      title: expect.stringContaining('Look'),
    })
    const child = await world.row(Object(spawned.result).chat_id)
    expect(child).toMatchObject({
      parent_chat_id: parent.id,
      root_chat_id: parent.id,
      owner_id: parent.owner_id,
      organization_id: parent.organization_id,
      client_type: 'ui',
      plan_mode: 'plan',
      labels: {},
      dynamic_tools: [],
      last_model_config_id: parent.last_model_config_id,
    })
    const names = await world.names(child)
    for (const name of ['spawn_agent', 'create_workspace', 'propose_plan']) expect(names).not.toContain(name)
    const explorer = await world.call(parent, 'spawn_agent', { type: 'explore', prompt: 'x', title: 'Scout' })
    const scout = await world.row(Object(explorer.result).chat_id)
    expect(scout).toMatchObject({ mode: 'explore', plan_mode: null, title: 'Scout' })
    expect([...(await world.names(scout))].sort()).toEqual(
      ['execute', 'process_output', 'read_file', 'read_skill', 'read_skill_file'].sort(),
    )
    expect((await world.call(parent, 'list_agents')).result).toMatchObject({
      agents: [{ chat_id: scout.id, type: 'explore' }, { chat_id: child.id }],
    })
    expect(Object((await world.call(parent, 'list_subagent_models')).result).models).toEqual(
      expect.any(Array),
    )
  })

  it('CH-1121: are not started below an archived chat', async () => {
    const parent = await world.chat()
    const { db } = world.context.database
    const archived = { archived: true, archived_at: new Date(), status: 'waiting' as const }
    await db.updateTable('chats').set(archived).where('id', '=', parent.id).execute()
    const refused = await world.call(parent, 'spawn_agent', { type: 'general', prompt: 'late' })
    expect(refused).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('Chat is archived.') },
    })
    expect(Object((await world.call(parent, 'list_agents')).result).agents).toEqual([])
  })

  it('CH-1121, CH-224: an agent that is started while its family is archived is not made, or keeps it from that', async () => {
    const { database } = world.context
    const held = async (count: number) =>
      until('who waits for the lock', async () => {
        const { rows } = await sql<{ count: number }>`
          select count(*)::integer as count from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
        return rows[0]?.count === count
      })
    const spawn = (chat: ChatRow) => world.call(chat, 'spawn_agent', { type: 'general', prompt: 'race' })
    const archive = (chat: ChatRow) =>
      world.owner.call(updateChat, { params: { chat: chat.id }, body: { archived: true } }).then(
        () => 204,
        (failure: ApiFailure) => failure.status,
      )
    const agents = async (chat: ChatRow) => Object((await world.call(chat, 'list_agents')).result).agents

    // The family is archived first, and the agent waits for that.
    const first = await world.chat()
    const late = await database.db.transaction().execute(async (tx) => {
      await tx
        .updateTable('chats')
        .set({ archived: true, archived_at: new Date() })
        .where('id', '=', first.id)
        .execute()
      const spawned = spawn(first)
      await held(1)
      return { spawned }
    })
    expect(await late.spawned).toMatchObject({
      isError: true,
      result: { error: expect.stringContaining('Chat is archived.') },
    })
    expect(await agents(first)).toEqual([])

    // The agent comes first, and is found at work.
    const second = await world.chat()
    const early = await database.db.transaction().execute(async (tx) => {
      await sql`lock table chat_messages in exclusive mode`.execute(tx)
      const spawned = spawn(second)
      await held(1)
      const archived = archive(second)
      await held(2)
      return { spawned, archived }
    })
    expect((await early.spawned).result).toMatchObject({ status: 'running' })
    expect(await early.archived).toBe(409)
    expect((await world.row(second.id)).archived).toBe(false)
    expect(await agents(second)).toHaveLength(1)
  })

  it('B-5: a call that has started an agent starts no second one', async () => {
    const parent = await world.chat()
    const noted: never[] = []
    const args = { type: 'general', prompt: 'once' }
    const first = await world.call(parent, 'spawn_agent', args, { noted })
    const again = await world.call(parent, 'spawn_agent', args, { resume: noted[0] ?? null })
    expect(again.result).toEqual(first.result)
    expect(first.result).toMatchObject({ chat_id: expect.any(String), status: 'running' })
    expect(Object((await world.call(parent, 'list_agents')).result).agents).toHaveLength(1)
    // What was noted before a crash, and what was not made because of it.
    const chat_id = randomUUID()
    expect((await world.call(parent, 'spawn_agent', args, { resume: { chat_id } })).result).toMatchObject({
      chat_id,
    })
  })

  it('CH-11.1: an explorer that a plan has started has only the servers that plans may use', async () => {
    const { db } = world.context.database
    const server = (slug: string, allow_in_plan_mode: boolean) =>
      world.owner.call(createMcpServerConfig, {
        params: { organization: world.organizationId },
        body: {
          display_name: slug,
          slug,
          url: 'https://mcp.example.com',
          transport: 'streamable_http',
          auth_type: 'none',
          availability: 'default_on',
          enabled: true,
          allow_in_plan_mode,
        },
      })
    const [open, approved] = [await server('open', false), await server('approved', true)]
    const planning = await world.chat({ plan_mode: 'plan', mcp_server_ids: [open.id, approved.id] })
    await world.call(planning, 'spawn_agent', { type: 'explore', prompt: 'x' })
    const [explorer] = await db
      .selectFrom('chats')
      .select(['mode', 'plan_mode', 'mcp_server_ids'])
      .where('parent_chat_id', '=', planning.id)
      .execute()
    expect(explorer).toEqual({ mode: 'explore', plan_mode: null, mcp_server_ids: [approved.id] })
  })

  it('T-42, CH-1122: are waited for until they are done; others are no business of this chat', async () => {
    const parent = await world.chat()
    const child = await world.chat({ parent_chat_id: parent.id, root_chat_id: parent.id, status: 'running' })
    const { db } = world.context.database
    expect(
      (await world.call(parent, 'wait_agent', { chat_id: child.id, timeout_seconds: 0 })).result,
    ).toMatchObject({
      timed_out: true,
      status: 'running',
      report: '',
    })
    const waiting = world.call(parent, 'wait_agent', { chat_id: child.id })
    await db
      .insertInto('chat_messages')
      .values([
        {
          chat_id: child.id,
          role: 'assistant',
          visibility: 'both',
          content: JSON.stringify([{ type: 'text', text: 'All good.' }]),
        },
        { chat_id: child.id, role: 'assistant', visibility: 'both', content: '[]' },
      ])
      .execute()
    await db
      .updateTable('chats')
      .set({ status: 'error', last_error: JSON.stringify({ message: 'm', kind: 'auth', retryable: false }) })
      .where('id', '=', child.id)
      .execute()
    expect((await waiting).result).toEqual({
      chat_id: child.id,
      title: child.title,
      type: 'general',
      status: 'error',
      report: 'All good.',
      last_error: 'm',
      last_error_kind: 'auth',
      last_error_retryable: false,
    })
    for (const chat_id of [parent.id, (await world.chat()).id, randomUUID()])
      expect(await world.call(parent, 'wait_agent', { chat_id })).toMatchObject({
        isError: true,
        result: { next_action: expect.stringContaining('list_agents') },
      })
  })

  it('CH-1123: are sent messages and interrupted', async () => {
    const parent = await world.chat()
    const child = await world.chat({ parent_chat_id: parent.id, root_chat_id: parent.id })
    const send = (message: string, interrupt = false) =>
      world.call(parent, 'message_agent', { chat_id: child.id, message, interrupt })
    expect((await send('go')).result).toMatchObject({ status: 'running' })
    expect((await send('and this')).result).toMatchObject({ status: 'running' })
    expect((await send('stop that', true)).result).toMatchObject({ status: 'interrupting' })
    const { db } = world.context.database
    const queued = await db
      .selectFrom('chat_queued_messages')
      .selectAll()
      .where('chat_id', '=', child.id)
      .execute()
    expect(queued).toHaveLength(2)
    expect((await world.call(parent, 'interrupt_agent', { chat_id: child.id })).result).toMatchObject({
      status: 'interrupting',
    })
  })

  it('B-5, CH-1123: a message that was sent is not sent again by the run that carries on', async () => {
    const parent = await world.chat()
    const child = await world.chat({ parent_chat_id: parent.id, root_chat_id: parent.id })
    const noted: never[] = []
    const args = { chat_id: child.id, message: 'once' }
    const first = await world.call(parent, 'message_agent', args, { noted })
    const again = await world.call(parent, 'message_agent', args, { resume: noted[0] ?? null })
    expect(again.result).toEqual(first.result)
    expect(first.result).toMatchObject({ status: 'running' })
    // Whoever has lost the chat, sends nothing beside the one that has it.
    expect(await world.call(parent, 'message_agent', args, { isLost: true })).toMatchObject({ isError: true })
    const { db } = world.context.database
    const of = <T extends 'chat_messages' | 'chat_queued_messages'>(table: T) =>
      db
        .selectFrom<'chat_messages' | 'chat_queued_messages'>(table)
        .select('id')
        .where('chat_id', '=', child.id)
    expect(await of('chat_messages').execute()).toHaveLength(1)
    expect(await of('chat_queued_messages').execute()).toEqual([])
  })

  it('B-5, CH-1123: an agent that was interrupted is not interrupted again in its next turn', async () => {
    const parent = await world.chat()
    const child = await world.chat({ parent_chat_id: parent.id, root_chat_id: parent.id, status: 'running' })
    const noted: never[] = []
    const args = { chat_id: child.id }
    await world.call(parent, 'interrupt_agent', args, { noted })
    await world.context.database.db
      .updateTable('chats')
      .set({ status: 'running' })
      .where('id', '=', child.id)
      .execute()
    const again = await world.call(parent, 'interrupt_agent', args, { resume: noted[0] ?? null })
    expect(again.result).toMatchObject({ chat_id: child.id, status: 'running' })
    // Whoever has lost the chat, interrupts nothing beside the one that has it.
    await world.call(parent, 'interrupt_agent', args, { isLost: true })
    expect((await world.row(child.id)).status).toBe('running')
  })

  it('CH-1123: close_agent is the old name of interrupt_agent, of which models are not told', async () => {
    const parent = await world.chat()
    const child = await world.chat({ parent_chat_id: parent.id, root_chat_id: parent.id, status: 'running' })
    expect(await world.names(parent)).not.toContain('close_agent')
    expect((await world.call(parent, 'close_agent', { chat_id: child.id })).result).toMatchObject({
      chat_id: child.id,
      status: 'interrupting',
    })
    await expect(world.call(child, 'close_agent', { chat_id: parent.id })).rejects.toThrow('no tool')
  })
})
