import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getGroupByName,
  getGroupSync,
  getOrganization,
  getRoleSync,
  listMemberRoles,
  listMembers,
  listOrganizations,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

let server: TestServer
let owner: Client
let folder: string
let cli: CommandLine
let member: CommandLine
let made: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const ada = await server.user('ada')
  await cli.good('login', server.url, '--token', tokenOf(owner))
  member = new CommandLine(await mkdtemp(path.join(folder, 'member-')))
  await member.good('login', server.url, '--token', tokenOf(ada))
  made = await cli.good('organizations', 'create', 'team', '--display-name', 'The team', '-y')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const json = async (...args: readonly string[]) => JSON.parse(await cli.good(...args, '-o', 'json'))
const piped = (input: unknown, ...args: readonly string[]) =>
  cli.runWith({}, ...args, { input: typeof input === 'string' ? input : JSON.stringify(input) })

describe('OP-§17.2: organizations', () => {
  it('are made, listed, shown and deleted', async () => {
    expect(made).toMatch(/^Made the organization team \([0-9a-f-]{36}\)\.\n$/)
    const team = await owner.call(getOrganization, { params: { organization: 'team' } })
    expect(await json('org', 'list')).toEqual(await owner.call(listOrganizations))
    expect(await cli.good('org', 'ls', '-c', 'name,Display Name,default')).toMatch(
      /NAME\s+DISPLAY NAME\s+DEFAULT\n[\s\S]*team\s+The team\s+false\n/,
    )
    expect(await cli.good('org', 'show', 'team')).toBe(`team (${team.id})\n`)
    expect(await cli.good('org', 'show', team.id, '--only-id')).toBe(`${team.id}\n`)
    expect(await json('org', 'show', 'selected', '-O', 'team')).toEqual([team])
    expect(await cli.good('org', 'show', 'me', '-o', 'table', '-c', 'name')).toMatch(/coder[\s\S]*team/)
    await cli.good('org', 'create', 'passing', '-y')
    expect(await cli.bad('org', 'delete', 'passing')).toContain('add --yes')
    expect(await cli.good('org', 'delete', 'passing', '-y')).toBe('Deleted the organization passing.\n')
    expect(await cli.bad('org', 'show', 'passing')).toContain('not found')
  })

  it('OP-187: with several and none named, the error lists them', async () => {
    expect(await cli.bad('org', 'show')).toMatch(/name an organization with --org: (coder, team|team, coder)/)
    const named = await cli.runWith({ CODER_ORGANIZATION: 'team' }, 'org', 'show')
    expect(named).toMatchObject({ code: 0, stdout: expect.stringMatching(/^team \(/) })
  })

  it('OP-186: what is refused is said with its reason, and ends with 1', async () => {
    expect(await cli.bad('org', 'create', 'team', '-y')).toContain('already exists')
    expect(await cli.bad('org', 'create', 'default', '-y')).toContain('is reserved')
    expect(await cli.bad('org', 'create', 'no name', '-y')).toMatch(/error: .*\n {2}name: /)
    expect(await cli.bad('org', 'delete', 'coder', '-y')).toContain('Default organization cannot be deleted')
    expect(await member.bad('org', 'create', 'mine', '-y')).toMatch(/error: .*(orbidden|not found)/)
    expect(await member.bad('org', 'show', 'team')).toContain('not found')
    expect(await cli.bad('org', 'list', '-o', 'xml')).toContain('--output must be table or json')
    expect(await cli.bad('org', 'nope')).toContain("unknown command 'nope'")
  })

  it('OP-188: every level has help', async () => {
    expect(await cli.good('--help')).toContain('organizations')
    expect(await cli.good('org', '--help')).toMatch(/members[\s\S]*roles[\s\S]*settings/)
    expect(await cli.good('org', 'roles', 'create', '--help')).toContain('"organization_permissions"')
    expect(await cli.good('org', 'settings', 'set', 'group-sync', '--help')).toContain('settings.json')
    expect(await cli.good('help', 'groups')).toContain('edit')
  })
})

describe('OP-§17.2: members', () => {
  it('are added, listed, given roles and removed', async () => {
    expect(await cli.good('org', 'members', 'add', 'ada', '-O', 'team')).toBe('ada is a member of team.\n')
    const roles = ['organization-auditor', 'organization-template-admin']
    expect(await cli.good('org', 'members', 'edit-roles', 'ada', ...roles, '-O', 'team')).toBe(
      'ada has the roles: organization-auditor, organization-template-admin.\n',
    )
    expect(await json('org', 'members', 'list', '-O', 'team')).toEqual(
      await owner.call(listMembers, { params: { organization: 'team' } }),
    )
    expect(await cli.good('org', 'members', 'list', '-O', 'team')).toMatch(
      /^USERNAME\s+ORGANIZATION ROLES\nada\s+\S.*,.*\nowner\n$/,
    )
    expect(await cli.good('org', 'members', 'edit-roles', 'ada', '-O', 'team')).toContain('the roles: none')
    expect(await cli.good('org', 'members', 'remove', 'ada', '-O', 'team')).toContain('no longer a member')
    expect(await cli.good('org', 'members', 'list', '-O', 'team', '-c', 'username')).toBe('USERNAME\nowner\n')
  })

  it('OP-186: what is refused', async () => {
    expect(await cli.bad('org', 'members', 'add', 'owner', '-O', 'team')).toContain('already')
    expect(await cli.bad('org', 'members', 'add', 'nobody', '-O', 'team')).toContain('error: ')
    expect(await cli.bad('org', 'members', 'edit-roles', 'ada', 'nonsense', '-O', 'coder')).toContain(
      'nonsense',
    )
    expect(await cli.bad('org', 'members', 'remove', 'owner', '-O', 'team')).toContain('cannot remove self')
    expect(await member.bad('org', 'members', 'edit-roles', 'owner', '-O', 'coder')).toContain('error: ')
    expect(await cli.bad('org', 'members', 'add', '-O', 'team')).toContain("missing required argument 'user'")
  })
})

describe('OP-§17.2: roles', () => {
  const auditor = {
    name: 'watcher',
    display_name: 'Watcher',
    organization_permissions: [{ resource_type: 'audit_log', action: 'read' }],
  }
  const rolesOf = () => owner.call(listMemberRoles, { params: { organization: 'team' } })

  it('are made and replaced from JSON, and a dry run changes nothing', async () => {
    const create = ['org', 'roles', 'create', '--stdin', '-O', 'team']
    const dry = await piped(auditor, ...create, '--dry-run', '-o', 'json')
    expect(JSON.parse(dry.stdout)).toEqual(auditor)
    expect((await rolesOf()).some((role) => role.name === 'watcher')).toBe(false)
    const sent = await piped(auditor, ...create, '-o', 'json')
    expect(JSON.parse(sent.stdout)).toMatchObject({
      ...auditor,
      organization_permissions: [{ action: 'read' }],
    })
    const [shown] = await json('org', 'roles', 'show', 'watcher', '-O', 'team')
    expect(shown).toEqual((await rolesOf()).find((role) => role.name === 'watcher'))
    expect(
      await cli.good('org', 'roles', 'show', 'Watcher', '-O', 'team', '-c', 'name,organization permissions'),
    ).toMatch(/watcher\s+1 permission\n/)
    // What a role grants on what its holders own is as much of it.
    expect(
      await cli.good('org', 'roles', 'show', 'agents-access', '-O', 'team', '-c', 'member permissions'),
    ).toMatch(/^4 permissions$/m)
    // What `show` prints is what `update` reads, in its list or out of it.
    const theirs = { resource_type: 'task', action: 'read', negate: false }
    const more = {
      ...shown,
      display_name: 'Watches',
      organization_permissions: [],
      organization_member_permissions: [theirs],
    }
    const update = ['org', 'roles', 'update', 'watcher', '--stdin', '-O', 'team']
    expect(await piped([more], ...update, '--dry-run')).toMatchObject({ code: 0 })
    expect((await rolesOf()).find((role) => role.name === 'watcher')?.display_name).toBe('Watcher')
    expect(await piped([more], ...update)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/watcher\s+Watches\s+0 permissions\s+0 permissions/),
    })
    expect((await rolesOf()).find((role) => role.name === 'watcher')).toMatchObject({
      display_name: 'Watches',
      organization_permissions: [],
    })
    const asked = await cli.answer(
      ['--force-tty', 'org', 'roles', 'update', 'watcher', '-O', 'team'],
      ['', 'audit_log:read\t'],
    )
    expect(asked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/watcher\s+Watches\s+0 .*1 permission /),
    })
    expect((await rolesOf()).find((role) => role.name === 'watcher')?.organization_permissions).toEqual([
      { ...auditor.organization_permissions[0], negate: false },
    ])
    // It was not asked for.
    expect(
      (await rolesOf()).find((role) => role.name === 'watcher')?.organization_member_permissions,
    ).toEqual([theirs])
    expect(await cli.good('org', 'roles', 'delete', 'watcher', '-O', 'team', '-y')).toContain(
      'Deleted the role',
    )
    expect((await rolesOf()).some((role) => role.name === 'watcher')).toBe(false)
  })

  it('OP-186: what is refused says why', async () => {
    const create = ['org', 'roles', 'create', '-O', 'team']
    expect(await cli.bad(...create, 'x')).toContain('--stdin is required')
    const denied = (input: unknown, ...args: string[]) => piped(input, ...create, '--stdin', ...args)
    expect(await denied('{', 'x')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not JSON') })
    expect(await denied('[1,2]')).toMatchObject({ stderr: expect.stringContaining('one JSON object') })
    expect(await denied('')).toMatchObject({ stderr: expect.stringContaining('input is empty') })
    expect(await denied({})).toMatchObject({ stderr: expect.stringContaining('has no name') })
    expect(await denied(auditor, 'other')).toMatchObject({ stderr: expect.stringContaining('not other') })
    const unknown = [{ resource_type: 'audit_log', action: 'brew' }]
    expect(await denied({ name: 'x', organization_permissions: unknown })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/error: /),
    })
    expect(await denied({ name: 'x', organization_permissions: 7 })).toMatchObject({ code: 1, stdout: '' })
    expect(await denied(auditor, '-c', 'nope')).toMatchObject({
      stderr: expect.stringContaining('choose from'),
    })
    expect((await rolesOf()).some((role) => role.name === 'watcher' || role.name === 'x')).toBe(false)
    const update = ['org', 'roles', 'update', '--stdin', '-O', 'team']
    expect((await piped(auditor, ...update, 'watcher')).stderr).toContain('there is no role watcher')
    expect((await piped({}, ...update, 'organization-admin')).stderr).toContain('is built in')
    expect(await cli.bad('org', 'roles', 'show', 'nope', '-O', 'team')).toContain('choose from')
    const theirs = await member.runWith({}, ...['org', 'roles', 'create', '--stdin', '-O', 'coder'], {
      input: JSON.stringify(auditor),
    })
    expect(theirs).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('OP-§17.2: settings', () => {
  it.each([
    ['group-sync', { field: 'groups', auto_create_missing_groups: true, mapping: {}, regex_filter: '^dev' }],
    ['role-sync', { field: 'roles', mapping: { boss: ['organization-admin'] } }],
    ['organization-sync', { field: 'orgs', mapping: {}, organization_assign_default: true }],
  ])('%s is written and read as JSON', async (name, wanted) => {
    const set = await piped(wanted, 'org', 'settings', 'set', name, '-O', 'team')
    expect(set).toMatchObject({ code: 0, stderr: '' })
    const shown = await cli.good('org', 'settings', 'show', name.replace('-', ''), '-O', 'team')
    expect(JSON.parse(shown)).toMatchObject(wanted)
    expect(set.stdout).toBe(shown)
    // It reads what it has printed.
    expect(await piped(shown, 'org', 'settings', 'set', name, '-O', 'team')).toMatchObject({ stdout: shown })
  })

  it('workspace-sharing is that of one organization', async () => {
    const set = ['org', 'settings', 'set', 'workspace-sharing', '-O']
    const none = { shareable_workspace_owners: 'none' }
    expect(await piped(none, ...set, 'team')).toMatchObject({ code: 0 })
    expect(
      JSON.parse(await cli.good('org', 'settings', 'show', 'workspace-sharing', '-O', 'team')),
    ).toMatchObject({ ...none, sharing_disabled: true })
    expect(
      JSON.parse(await cli.good('org', 'settings', 'show', 'workspace-sharing', '-O', 'coder')),
    ).not.toMatchObject(none)
    expect(await piped({ shareable_workspace_owners: 'cats' }, ...set, 'team')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error: '),
    })
  })

  it('settings of one organization leave the others alone; what is refused changes nothing', async () => {
    const params = { organization: 'coder' }
    expect(await owner.call(getGroupSync, { params })).toMatchObject({ field: '' })
    expect(await owner.call(getRoleSync, { params })).toMatchObject({ field: '' })
    const set = ['org', 'settings', 'set', 'group-sync', '-O', 'coder']
    const broken = await piped({ field: 'g', regex_filter: '(' }, ...set)
    expect(broken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('error: ') })
    expect(await piped({ field: 7 }, ...set)).toMatchObject({ code: 1, stdout: '' })
    expect(await owner.call(getGroupSync, { params })).toMatchObject({ field: '' })
    const theirs = await member.runWith({}, ...set, { input: '{"field":"mine"}' })
    expect(theirs).toMatchObject({ code: 1, stdout: '' })
    expect(await cli.bad('org', 'settings', 'set', 'cat-sync')).toContain("unknown command 'cat-sync'")
  })
})

describe('OP-§17.3: groups', () => {
  const at = ['-O', 'coder']

  it('are made, changed, listed and deleted', async () => {
    expect(await cli.good('groups', 'create', 'dev', '--display-name', 'Developers', ...at)).toBe(
      'Made the group dev in coder.\n',
    )
    const edit = ['groups', 'edit', 'dev', ...at]
    await cli.good(
      ...edit,
      '-a',
      'ada@example.com,owner',
      '--quota-allowance',
      '7',
      '-u',
      '/emojis/1f680.png',
    )
    const group = await owner.call(getGroupByName, { params: { organization: 'coder', groupName: 'dev' } })
    expect(group).toMatchObject({
      quota_allowance: 7,
      avatar_url: '/emojis/1f680.png',
      display_name: 'Developers',
    })
    expect(await json('groups', 'list', ...at)).toContainEqual(group)
    expect(await cli.good('groups', 'list', '-c', 'name,members', ...at)).toMatch(
      /dev\s+(ada, owner|owner, ada)\n/,
    )
    await cli.good(...edit, '-r', 'owner', '-n', 'devs')
    expect(await cli.good('groups', 'list', '-c', 'name,members', ...at)).toMatch(/devs\s+ada\n/)
    expect(await cli.good('groups', 'delete', 'devs', ...at)).toBe('Deleted the group devs.\n')
    expect(await cli.bad('groups', 'delete', 'devs', ...at)).toContain('not found')
  })

  it('OP-186: what is refused', async () => {
    expect(await cli.bad('groups', 'create', 'Everyone', ...at)).toContain('error: ')
    expect(await cli.bad('groups', 'create', 'x', '--quota-allowance', 'all', ...at)).toContain(
      'must be a number',
    )
    await cli.good('groups', 'create', 'ops', ...at)
    expect(await cli.bad('groups', 'create', 'OPS', ...at)).toContain('already exists')
    expect(await cli.bad('groups', 'edit', 'ops', ...at)).toContain('say what to change')
    expect(await cli.bad('groups', 'edit', 'ops', '-a', 'nobody', ...at)).toContain('nobody is no member')
    expect(await cli.bad('groups', 'edit', 'ops', '-a', 'no@example.com', ...at)).toContain('is no member')
    expect(await cli.bad('groups', 'edit', 'ops', '-a', 'ada,ada', ...at)).toContain('twice')
    expect(await member.bad('groups', 'create', 'mine', ...at)).toContain('error: ')
    expect(await member.bad('groups', 'edit', 'ops', '-a', 'ada', ...at)).toContain('error: ')
  })
})
