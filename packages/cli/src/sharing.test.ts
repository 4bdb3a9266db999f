import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createGroup,
  getUser,
  getWorkspaceAcl,
  listAuditLogs,
  listConnectionLogs,
  updateProfile,
} from '@slipway/contract'
import type { Database } from '@slipway/server/database/index.ts'
import {
  fixtures,
  openDatabase,
  SecondFactorAccounts,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import { Connection } from './connection.ts'
import { CommandLine } from './testing/command-line.ts'
import { Transport } from './transport.ts'
import { openTunnel } from './tunnel.ts'

let server: TestServer
let database: Database
let owner: Client
let ada: Client
let folder: string
let cli: CommandLine
let member: CommandLine
let workspaceId: string
const organization = 'coder'

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  ada = await server.user('ada')
  await server.user('bo')
  await owner.call(createGroup, { params: { organization }, body: { name: 'devs' } })
  const { id, organization_ids } = await ada.call(getUser, { params: { user: 'me' } })
  const organization_id = organization_ids[0] ?? ''
  const template = await fixtures.template(database.db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  const workspace = await fixtures.workspace(database.db, { owner_id: id, template, name: 'dev' })
  const job = await fixtures.provisionerJob(database.db, { organization_id, type: 'template_version_import' })
  const version = await fixtures.templateVersion(database.db, { template, job })
  await fixtures.workspaceBuild(database.db, { workspace, version })
  workspaceId = workspace.id
  cli = await signedIn(owner)
  member = await signedIn(ada)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const jsonOf = async (by: CommandLine, ...args: readonly string[]) =>
  JSON.parse(await by.good(...args, '-o', 'json'))

async function signedIn(client: Client): Promise<CommandLine> {
  const home = new CommandLine(await mkdtemp(path.join(folder, 'home-')))
  await home.good('login', server.url, '--token', tokenOf(client))
  return home
}

describe('OP-§17.3: sharing', () => {
  const list = () => ada.call(getWorkspaceAcl, { params: { workspace: workspaceId } })

  it('adds users and groups with their roles, shows them and takes them away', async () => {
    expect(await member.run('sharing', 'status', 'dev')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'dev is shared with nobody.\n',
    })
    expect(await member.good('sharing', 'add', 'dev', '--user', 'bo', '--group', 'devs:admin')).toMatch(
      /^USER\s+GROUP\s+ROLE\nbo\s+use\n\s+devs\s+admin\n$/,
    )
    expect(await jsonOf(member, 'sharing', 'status', 'dev')).toEqual(await list())
    await member.good('sharing', 'add', 'dev', '--user', 'bo:admin')
    expect((await list()).users).toMatchObject([{ username: 'bo', role: 'admin' }])
    expect(await cli.good('sharing', 'status', 'ada/dev', '-c', 'user,role')).toMatch(/bo\s+admin\n/)
    await member.good('sharing', 'remove', 'dev', '--user', 'bo', '--group', 'devs')
    expect(await list()).toEqual({ users: [], group: [] })
  })

  it('OP-186: what is refused changes nothing', async () => {
    expect(await member.bad('sharing', 'add', 'dev')).toContain('say whom')
    expect(await member.bad('sharing', 'add', 'dev', '--user', 'bo:king')).toMatch(
      /error: .*\n {2}user_roles/,
    )
    expect(await member.bad('sharing', 'add', 'dev', '--user', 'nobody')).toContain(
      'nobody is no member of coder',
    )
    expect(await member.bad('sharing', 'add', 'dev', '--group', 'none')).toContain('coder has no group none')
    expect(await member.bad('sharing', 'add', 'dev', '--user', 'bo', '-o', 'xml')).toContain('table or json')
    expect(await member.bad('sharing', 'status', 'nowhere')).toContain('was not found')
    const bo = await signedIn(await server.user('cy'))
    expect(await bo.bad('sharing', 'add', 'ada/dev', '--user', 'cy')).toContain('was not found')
    expect(await list()).toEqual({ users: [], group: [] })
  })
})

describe('audit list', () => {
  it('shows entries as the API has them, by search and page', async () => {
    await ada.call(updateProfile, { params: { user: 'me' }, body: { username: 'ada', name: 'Ada L' } })
    const q = 'resource_type:user action:write username:ada'
    const filter = ['--filter', q]
    const { audit_logs: entries } = await owner.call(listAuditLogs, { query: { q } })
    expect(entries[0]).toMatchObject({ diff: { name: { new: 'Ada L' } } })
    expect(await jsonOf(cli, 'audit', 'list', ...filter)).toEqual(entries)
    expect(await cli.good('audit', 'list', ...filter)).toMatch(
      /^TIME\s+USER\s+ACTION\s+RESOURCE TYPE\s+TARGET\s+STATUS\s+IP\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\s+ada\s+write\s+user\s+ada\s+200\s+127\.0\.0\.1\n/,
    )
    expect(await cli.good('audit', 'list', ...filter, '-c', 'description,changed')).toMatch(
      /ada updated user ada\s+name\n/,
    )
    const [first, second] = await jsonOf(cli, 'audit', 'list', '--limit', '2')
    expect(await jsonOf(cli, 'audit', 'list', '--limit', '1', '--after', first.id)).toEqual([second])
  })

  it('what strangers have written does nothing to the terminal', async () => {
    await fixtures.auditLog(database.db, { resource_target: 'a\u001b[31m\nb\u202ec', user_agent: '\u009b2J' })
    const shown = await cli.good('audit', 'list', '-c', 'target,user agent', '--limit', '1')
    for (const evil of ['\u001b', '\u009b', '\u202e']) expect(shown).not.toContain(evil)
    expect(shown.split('\n')).toHaveLength(3)
  })

  it('OP-186: what is refused says why', async () => {
    expect(await cli.bad('audit', 'list', '--filter', 'nope:1')).toMatch(/error: .*\n {2}nope: /)
    expect(await cli.bad('audit', 'list', '--limit', 'all')).toContain('--limit must be a number')
    expect(await cli.bad('audit', 'list', '--after', 'x')).toContain('error: ')
    expect(await member.bad('audit', 'list')).toContain('error: ')
    expect(await cli.bad('audit')).toContain('Usage: slipway audit')
  })
})

describe('connection-log list', () => {
  it('shows entries as the API has them', async () => {
    const { id: user_id } = await ada.call(getUser, { params: { user: 'me' } })
    const workspace = await database.db
      .selectFrom('workspaces')
      .selectAll()
      .where('id', '=', workspaceId)
      .executeTakeFirstOrThrow()
    await fixtures.connectionLog(database.db, {
      workspace,
      type: 'workspace_app',
      user_id,
      slug_or_port: 'editor',
      code: 200,
    })
    const q = 'type:workspace_app workspace_owner:ada'
    const search = ['--filter', q]
    const { connection_logs: entries } = await owner.call(listConnectionLogs, { query: { q } })
    expect(entries).toHaveLength(1)
    expect(await jsonOf(cli, 'connection-log', 'list', ...search)).toEqual(entries)
    expect(await cli.good('connection-log', 'list', ...search)).toMatch(
      /^TIME\s+TYPE\s+WORKSPACE\s+AGENT\s+USER\s+APP\s+STATUS\s+IP\n.*workspace_app\s+ada\/dev\s+main\s+ada\s+editor\s+200/,
    )
  })

  it('OP-186: who may read none sees none; a wrong search says why', async () => {
    expect(await jsonOf(member, 'connection-log', 'list')).toEqual([])
    expect(await cli.bad('connection-log', 'list', '--filter', 'nope:1')).toContain('nope')
    expect(await cli.bad('connection-log', 'list', '-c', 'nope')).toContain('choose from')
  })
})

it('L-32: a tunnel that wants a fresh proof asks for it, too', async () => {
  await using accounts = await SecondFactorAccounts.start({ CODER_SSH_STEP_UP_MAX_AGE: '1m' })
  await accounts.server.owner()
  const { client } = await accounts.withTotp('dora')
  const { id, organization_ids } = await client.call(getUser, { params: { user: 'me' } })
  const { db } = accounts.database
  const workspace = await fixtures.workspace(db, {
    owner_id: id,
    organization_id: organization_ids[0] ?? '',
  })
  const build = await fixtures.workspaceBuild(db, { workspace })
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
  })
  accounts.later(2 * 60_000)
  const connection = new Connection(
    { url: accounts.server.url, token: tokenOf(client) },
    await Transport.open({}),
  )
  await expect(openTunnel(connection, agent.id)).rejects.toThrow('there is no terminal to ask on')
})
