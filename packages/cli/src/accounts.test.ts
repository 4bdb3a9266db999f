import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createSessionKey,
  getGitSshKey,
  getOidcClaims,
  getTokenByName,
  getUser,
  listSessions,
  listSiteRoles,
  listUserSecrets,
} from '@slipway/contract'
import { OidcDeployment, SecondFactorAccounts } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

let deployment: OidcDeployment
let owner: Client
let ada: Client
let folder: string
let cli: CommandLine
let member: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  deployment = await OidcDeployment.start()
  owner = deployment.owner
  ada = await deployment.server.user('ada')
  cli = await signedIn(owner)
  member = await signedIn(ada)
})
afterAll(async () => {
  await deployment[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const jsonOf = async (by: CommandLine, ...args: readonly string[]) =>
  JSON.parse(await by.good(...args, '-o', 'json'))

async function signedIn(client: Client, url = deployment.server.url): Promise<CommandLine> {
  const home = new CommandLine(await mkdtemp(path.join(folder, 'home-')))
  await home.good('login', url, '--token', tokenOf(client))
  return home
}

describe('OP-§17.2: users', () => {
  it('show is the account itself, as the API has it', async () => {
    expect(await jsonOf(cli, 'users', 'show', 'ada')).toEqual(
      await owner.call(getUser, { params: { user: 'ada' } }),
    )
    expect(await member.good('users', 'show', 'me', '-c', 'username,email')).toMatch(
      /ada\s+ada@example.com\n/,
    )
    expect(await cli.good('users', 'list', '--help')).toMatch(/columns, separated by commas: id,\s+username/)
  })

  it('RB-136: roles makes, shows, changes and deletes those of the deployment', async () => {
    const role = {
      name: 'log-reader',
      display_name: 'Log Reader',
      site_permissions: [
        { resource_type: 'audit_log', action: 'read', negate: false },
        { resource_type: 'workspace', action: 'ssh', negate: true },
      ],
      user_permissions: [{ resource_type: 'task', action: 'read', negate: false }],
    }
    const piped = (input: unknown, ...args: string[]) =>
      cli.runWith({}, 'users', 'roles', ...args, { input: JSON.stringify(input) })
    const stored = async () => (await owner.call(listSiteRoles)).find(({ name }) => name === 'log-reader')
    expect(await cli.bad('users', 'roles', 'create', 'x')).toContain('--stdin is required')
    expect(await piped(role, 'create', '--stdin', '--dry-run')).toMatchObject({ code: 0 })
    expect(await stored()).toBeUndefined()
    expect(await piped(role, 'create', '--stdin')).toMatchObject({ code: 0 })
    expect(await stored()).toMatchObject(role)
    const [shown] = await jsonOf(cli, 'users', 'roles', 'show', 'Log-Reader')
    expect(shown).toEqual(await stored())
    expect(
      await piped([{ ...shown, display_name: 'Logs' }], 'update', 'log-reader', '--stdin'),
    ).toMatchObject({
      code: 0,
    })
    // What it refuses, and what holders may do with their own, is not asked for and stays.
    const asked = await cli.answer(
      ['--force-tty', 'users', 'roles', 'update', 'log-reader'],
      ['', 'connection_log:read\t'],
    )
    expect(asked).toMatchObject({ code: 0 })
    const changed = await stored()
    expect(changed).toMatchObject({ display_name: 'Logs', user_permissions: role.user_permissions })
    expect(changed?.site_permissions).toHaveLength(3)
    expect(changed?.site_permissions).toEqual(
      expect.arrayContaining([
        ...role.site_permissions,
        { resource_type: 'connection_log', action: 'read', negate: false },
      ]),
    )
    expect((await piped({}, 'update', 'owner', '--stdin')).stderr).toContain('is built in')
    expect(await member.bad('users', 'roles', 'delete', 'log-reader', '-y')).toContain('error: ')
    expect(await cli.bad('users', 'roles', 'delete', 'log-reader')).toContain('add --yes')
    expect(await cli.good('users', 'roles', 'delete', 'log-reader', '-y')).toContain('Deleted the role')
    expect(await stored()).toBeUndefined()
  })

  it('edit-roles replaces the site roles', async () => {
    const edit = ['users', 'edit-roles', 'ada']
    expect(await cli.bad(...edit)).toContain('--roles is required')
    expect(await cli.bad(...edit, '--roles', 'auditor')).toContain('add --yes')
    expect(await cli.good(...edit, '--roles', ' auditor, user-admin', '-y')).toMatch(
      /^ada has the roles: (auditor, user-admin|user-admin, auditor)\.\n$/,
    )
    expect(await cli.good(...edit, '--roles', '', '-y')).toBe('ada has the roles: none.\n')
    expect(await cli.bad(...edit, '--roles', 'king', '-y')).toContain('king')
    await cli.good(...edit, '--roles', 'auditor', '-y')
    expect(await cli.answer(['--force-tty', ...edit], ['template-admin\t', ''])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /ada has the roles: (auditor, template-admin|template-admin, auditor)\.\n$/,
      ),
    })
    await cli.good(...edit, '--roles', '', '-y')
    expect(await member.bad('users', 'edit-roles', 'me', '--roles', 'owner', '-y')).toContain('error: ')
  })

  it('oidc-claims are those of the last sign-in', async () => {
    const { client } = await deployment.arrive({ groups: ['dev', 'ops'] })
    const person = await signedIn(client)
    expect(await jsonOf(person, 'users', 'oidc-claims')).toEqual(await client.call(getOidcClaims))
    expect(await person.good('users', 'oidc-claims')).toMatch(
      /KEY\s+VALUE\n[\s\S]*groups\s+\["dev","ops"\]\n/,
    )
    expect(await person.good('users', 'oidc-claims', '-c', 'key')).toMatch(/^KEY\n[\s\S]*\nemail\n/)
    expect(await member.bad('users', 'oidc-claims')).toContain('error: ')
  })

  it('OP-186: members neither suspend nor delete others', async () => {
    expect(await member.bad('users', 'suspend', 'owner', '-y')).toContain('error: ')
    expect(await member.bad('users', 'delete', 'owner', '-y')).toContain('error: ')
    expect(
      await member.bad('users', 'create', '-e', 'x@example.com', '-u', 'x', '-p', 'Some-Pw-2026!'),
    ).toContain('error: ')
    await cli.good('users', 'suspend', 'ada', '-y')
    expect((await owner.call(getUser, { params: { user: 'ada' } })).status).toBe('suspended')
    expect(await member.bad('whoami')).toContain('error: ')
    expect(await cli.good('users', 'activate', 'ada')).toContain('ada is active')
    expect(await member.good('whoami')).toContain('authenticated as ada')
  })
})

it('09 §19 50: a token is limited to its scopes and what it is allowed; only the token is on stdout', async () => {
  const id = 'a1b2c3d4-0000-4000-8000-000000000001'
  const allow = ['--allow', `workspace:${id}`, '--allow', `template:${id}`]
  const made = await cli.run(
    'tokens',
    'create',
    '-n',
    'narrow',
    '--scope',
    'workspace:read',
    '--scope',
    'template:read',
    ...allow,
  )
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\w{10}-\w+\n$/) })
  expect(await owner.call(getTokenByName, { params: { user: 'me', keyname: 'narrow' } })).toMatchObject({
    scopes: expect.arrayContaining(['workspace:read', 'template:read']),
    allow_list: [`template:${id}`, `workspace:${id}`],
  })
  expect(await cli.good('tokens', 'view', 'narrow', '-c', 'allow list')).toContain(`workspace:${id}`)
  const narrow = ['--token', made.stdout.trim()]
  expect(await cli.bad('users', 'show', 'ada', ...narrow)).toContain('error: ')
  expect(await cli.bad('tokens', 'create', ...narrow)).toContain('error: ')
  expect(await cli.bad('tokens', 'create', '--scope', 'nonsense')).toContain('nonsense')
  expect(await cli.bad('tokens', 'create', '--allow', 'workspace')).toContain('error: ')
  const { stdout: lent } = await cli.run('tokens', 'create', '-u', 'ada', '--lifetime', '30d', '-n', 'lent')
  expect(await cli.good('whoami', '--token', lent.trim())).toContain('authenticated as ada')
  expect(await cli.good('tokens', 'list', '-a', '-c', 'name,owner')).toMatch(/lent\s+ada\n/)
  expect(await cli.good('tokens', 'list')).not.toContain('lent')
  expect(await member.bad('tokens', 'create', '-u', 'owner')).toContain('error: ')
})

it('ID-48: a token is edited: narrower at once, and what is not given stays', async () => {
  await cli.good('tokens', 'create', '-n', 'edited', '--lifetime', '24h')
  const before = await owner.call(getTokenByName, { params: { user: 'me', keyname: 'edited' } })
  expect(
    await cli.good(
      'tokens',
      'edit',
      'edited',
      '-n',
      'smaller',
      '--scope',
      'workspace:read',
      '--lifetime',
      '1h',
    ),
  ).toMatch(/^The token smaller holds until .*: workspace:read\.\n$/)
  const after = await owner.call(getTokenByName, { params: { user: 'me', keyname: 'smaller' } })
  expect(after).toMatchObject({ id: before.id, scopes: ['workspace:read'], allow_list: ['*:*'] })
  expect(Date.parse(after.expires_at)).toBeLessThan(Date.parse(before.expires_at))
  expect(await cli.good('tokens', 'edit', before.id, '--allow', 'workspace:*')).toContain('smaller')
  expect(await cli.bad('tokens', 'edit', 'smaller')).toContain('nothing to change')
  expect(await cli.bad('tokens', 'edit', 'absent', '-n', 'x')).toContain('error: ')
  expect(await cli.bad('tokens', 'edit', 'smaller', '--scope', 'nonsense')).toContain('nonsense')
})

it('L-36: oidc-token prints a token of the identity provider, and nothing else, where it is handed out', async () => {
  const { client } = await deployment.arrive()
  const refused = await signedIn(client)
  expect(await refused.bad('users', 'oidc-token')).toContain('CODER_OIDC_TOKEN_EXCHANGE')
  await using handing = await OidcDeployment.start({ CODER_OIDC_TOKEN_EXCHANGE: 'true' })
  const { client: other } = await handing.arrive()
  const person = await signedIn(other, handing.server.url)
  const token = await person.good('users', 'oidc-token')
  expect(token).toMatch(/^[\w-]+\n$/)
  const answer = await fetch(`${handing.idp.issuer}/me`, {
    headers: { Authorization: `Bearer ${token.trim()}` },
  })
  expect(answer.status).toBe(200)
  expect(await jsonOf(person, 'users', 'oidc-token')).toMatchObject({
    token_type: 'Bearer',
    expires_at: expect.any(String),
  })
  expect(await person.bad('users', 'oidc-token', '-o', 'yaml')).toContain('--output')
})

describe('OP-§17.3: secrets', () => {
  const list = () => ada.call(listUserSecrets, { params: { user: 'me' } })

  it('are made, changed, switched and deleted, and their values are never shown', async () => {
    const create = ['secret', 'create']
    await member.good(
      ...create,
      'registry',
      '--value',
      's3cret',
      '--env',
      'REGISTRY',
      '--description',
      'of npm',
    )
    const key = await member.runWith({}, ...create, 'key', '--file', '~/.ssh/work', { input: 'line\n' })
    expect(key).toMatchObject({ code: 0, stderr: '' })
    const warned = await member.runWith({}, ...create, 'noisy', '--env', 'NOISY', '--disabled', {
      input: 'x\n',
    })
    expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining('line break') })
    expect(await jsonOf(member, 'secret', 'list')).toEqual(await list())
    expect(await jsonOf(member, 'secret', 'list', 'key')).toMatchObject({
      name: 'key',
      file_path: '~/.ssh/work',
    })
    const shown = await member.good('secret', 'list')
    expect(shown).toMatch(/registry\s+REGISTRY\s+true\s+of npm/)
    expect(shown).not.toContain('s3cret')
    await member.good('secret', 'disable', 'registry')
    expect((await list()).find(({ name }) => name === 'registry')?.enabled).toBe(false)
    await member.good('secret', 'enable', 'registry')
    await member.good(
      'secret',
      'update',
      'registry',
      '--description',
      '',
      '--value',
      'other',
      '--env',
      'OTHER',
    )
    expect((await list()).find(({ name }) => name === 'registry')).toMatchObject({
      enabled: true,
      description: '',
      env_name: 'OTHER',
    })
    const fed = await member.runWith({}, 'secret', 'update', 'key', '--stdin', { input: 'new' })
    expect(fed).toMatchObject({ code: 0, stdout: expect.stringContaining('Changed the secret key') })
    expect(await member.bad('secret', 'delete', 'key')).toContain('add --yes')
    await member.good('secret', 'delete', 'key', '-y')
    expect((await list()).map(({ name }) => name)).not.toContain('key')
  })

  it('are imported from files and standard input, all or none', async () => {
    const file = path.join(folder, 'more.json')
    await writeFile(file, JSON.stringify({ FROM_JSON: '1', 'no-variable': '2' }))
    const made = await jsonOf(member, 'secret', 'import', file)
    expect(made).toMatchObject([{ env_name: 'FROM_JSON' }, { name: 'no-variable', enabled: false }])
    const piped = await member.runWith({}, 'secret', 'import', '-', { input: 'FROM_ENV=3\n' })
    expect(piped).toMatchObject({ code: 0, stdout: expect.stringMatching(/FROM_ENV\s+FROM_ENV/) })
    const again = await member.runWith({}, 'secret', 'import', '--format', 'env', {
      input: 'NEW=1\nFROM_ENV=3\n',
    })
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('secrets[1].') })
    expect((await list()).map(({ name }) => name)).not.toContain('NEW')
    expect(await member.bad('secret', 'import', 'none.env')).toContain('none.env cannot be read')
    expect(await member.bad('secret', 'import', file, '--format', 'xml')).toContain('--format must be one of')
  })

  it('OP-186: what is refused says which field is wrong', async () => {
    const create = ['secret', 'create', 'bad', '--value', 'x']
    expect(await member.bad(...create, '--env', 'PATH')).toMatch(/error: .*\n {2}env_name: /)
    expect(await member.bad(...create)).toContain('error: ')
    expect(await member.bad('secret', 'create', 'empty', '--env', 'E')).toContain('standard input is empty')
    expect(await member.bad('secret', 'update', 'registry')).toContain('say what to change')
    expect(await member.bad('secret', 'update', 'registry', '--stdin', '--value', 'x')).toContain(
      'or with --stdin',
    )
    expect(await member.bad('secret', 'enable', 'nobody')).toContain('not found')
    // They are those of their owner and of nobody else.
    expect(await cli.bad('secret', 'list', 'registry')).toContain('not found')
  })
})

it('OP-§17.3: publickey prints the key alone on stdout, and makes a new one', async () => {
  const present = await ada.call(getGitSshKey, { params: { user: 'me' } })
  expect(await member.run('publickey')).toMatchObject({
    code: 0,
    stdout: `${present.public_key.trim()}\n`,
    stderr: expect.stringContaining('Register it'),
  })
  expect(await member.bad('publickey', '--reset')).toContain('add --yes')
  const renewed = await member.good('publickey', '--reset', '-y')
  expect(renewed).toMatch(/^ssh-ed25519 \S+/)
  expect(renewed).not.toBe(`${present.public_key.trim()}\n`)
  expect(await member.good('publickey')).toBe(renewed)
  expect(await member.bad('publickey', '--token', 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb')).toContain('error: ')
})

it('ID-210: sessions are listed, and ended one by one or all but this one', async () => {
  const other = await signedIn(ada)
  const session = (await other.good('login', 'token')).trim()
  const listed = await jsonOf(other, 'sessions', 'list')
  expect(listed).toContainEqual(
    expect.objectContaining({
      id: session.slice(0, 10),
      current: true,
      user_agent: expect.stringContaining('cli'),
    }),
  )
  const { key } = await ada.call(createSessionKey, { params: { user: 'me' } })
  expect(await other.good('sessions', 'list', '-c', 'id,current')).toMatch(
    new RegExp(`${key.slice(0, 10)}\\n`),
  )
  expect(await other.bad('sessions', 'revoke')).toContain('give --others')
  expect(await other.bad('sessions', 'revoke', 'x', '--others')).toContain('give --others')
  expect(await other.good('sessions', 'revoke', key.slice(0, 10))).toContain('has ended')
  expect(await other.bad('sessions', 'revoke', key.slice(0, 10))).toContain('not found')
  expect(await other.bad('sessions', 'revoke', '--others')).toContain('add --yes')
  await other.good('sessions', 'revoke', '--others', '-y')
  expect(await jsonOf(other, 'sessions', 'list')).toMatchObject([{ current: true }])
  expect(await member.bad('whoami')).toContain('Sign in')
  expect(await other.bad('sessions', 'list', '-u', 'owner')).toContain('error: ')
  expect((await owner.call(listSessions, { params: { user: 'ada' } })).length).toBe(1)
})

describe('L-32: a fresh proof', () => {
  let accounts: SecondFactorAccounts
  beforeAll(async () => {
    accounts = await SecondFactorAccounts.start()
    await accounts.server.owner()
  })
  afterAll(() => accounts[Symbol.asyncDispose]())

  const create = ['--force-tty', 'tokens', 'create', '-n']

  it('is asked for at the terminal, on stderr, and the command goes on', async () => {
    const { client, secret, recovery_codes } = await accounts.withTotp('bo')
    const bo = await signedIn(client, accounts.server.url)
    accounts.later(11 * 60_000)
    expect(await bo.bad('tokens', 'create')).toMatch(/there is no terminal to ask on: sign in again/)
    const asked = await bo.answer([...create, 'first'], ['000000', accounts.codeOf(secret)])
    expect(asked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\w{10}-\w+\n$/),
      stderr: expect.stringMatching(/authenticator app, or a recovery code[\s\S]*was not accepted/),
    })
    // For ten minutes nobody is asked again.
    await bo.good('tokens', 'create', '-n', 'second')
    accounts.later(11 * 60_000)
    const recovered = await bo.answer([...create, 'third'], [recovery_codes[0] ?? ''])
    expect(recovered).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\w{10}-\w+\n$/) })
  })

  it('that is wrong three times, or not given, ends the command', async () => {
    const { client } = await accounts.withTotp('cy')
    const cy = await signedIn(client, accounts.server.url)
    accounts.later(11 * 60_000)
    const wrong = await cy.answer([...create, 'none'], ['000000', '000001', '000002'])
    expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('totp_code: ') })
    const over = await cy.runWith({}, ...create, 'none', { input: '' })
    expect(over).toMatchObject({ code: 1, stdout: '' })
    const interrupted = await cy.runWith({}, ...create, 'none', { input: '\u0003' })
    expect(interrupted).toMatchObject({ code: 1, stdout: '' })
    await expect(
      client.call(getTokenByName, { params: { user: 'me', keyname: 'none' } }),
    ).rejects.toMatchObject({ status: 404 })
  })
})
