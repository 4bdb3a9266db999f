import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createMcpServerConfig,
  getOAuth2App,
  getOAuth2Settings,
  getOrganization,
  listOAuth2AppSecrets,
} from '@slipway/contract'
import { FakeMcpServer, startTestServer, type TestServer } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

const CALLBACK = 'https://app.example.com/callback'

let server: TestServer
let owner: Client
let folder: string
let cli: CommandLine
let member: CommandLine
let ada: Client

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    },
  })
  owner = await server.owner()
  ada = await server.user('ada')
  await cli.good('login', server.url, '--token', tokenOf(owner))
  member = new CommandLine(await mkdtemp(path.join(folder, 'member-')))
  await member.good('login', server.url, '--token', tokenOf(ada))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const json = async (...args: readonly string[]) => JSON.parse(await cli.good(...args, '-o', 'json'))
const provider = (...args: readonly string[]) => cli.good('oauth2-provider', ...args)

it('OA-26: dcr enables and disables registration, and says so on stderr', async () => {
  for (const [word, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    expect(await cli.run('oauth2-provider', 'dcr', word)).toEqual({
      code: 0,
      stdout: '',
      stderr: `Dynamic client registration is now ${word}d.\n`,
    })
    expect(await owner.call(getOAuth2Settings)).toMatchObject({
      dynamic_client_registration_enabled: enabled,
    })
  }
  await member.bad('oauth2-provider', 'dcr', 'enable')
})

describe('apps', () => {
  it('OA-15: are made, listed, shown, changed and deleted', async () => {
    const further = [
      '--redirect-uri',
      'https://app.example.com/other',
      '--scope',
      'user:read',
      '--require-par',
    ]
    const id = (await provider('apps', 'create', 'desk', '--callback-url', CALLBACK, ...further)).trim()
    const made = await owner.call(getOAuth2App, { params: { app: id } })
    expect(made).toMatchObject({
      name: 'desk',
      callback_url: CALLBACK,
      redirect_uris: [CALLBACK, 'https://app.example.com/other'],
      scope: 'user:read',
      require_pushed_authorization_requests: true,
    })
    expect(await json('oauth2-provider', 'apps', 'ls')).toEqual([made])
    expect(await json('oauth2-provider', 'app', 'show', 'desk')).toEqual(made)
    expect(await json('oauth2-provider', 'apps', 'show', id)).toEqual(made)
    expect(await provider('apps', 'update', 'desk', '-n', 'bench', '--require-par=false')).toBe(
      'Changed the app bench.\n',
    )
    expect(await owner.call(getOAuth2App, { params: { app: id } })).toEqual({
      ...made,
      name: 'bench',
      require_pushed_authorization_requests: false,
    })
    expect(await cli.bad('oauth2-provider', 'apps', 'show', 'desk')).toContain('there is no app desk')
    expect(await cli.bad('oauth2-provider', 'apps', 'update', id)).toContain('nothing to change')
    expect(await cli.bad('oauth2-provider', 'apps', 'create', 'desk')).toContain('--callback-url is required')
    expect(await provider('apps', 'delete', 'bench', '-y')).toBe('Deleted the app bench.\n')
    expect(await provider('apps', 'list')).not.toContain(id)
  })

  it('OA-8: several of one name must be told apart by their ids', async () => {
    const ids = [
      await provider('apps', 'create', 'twin', '--callback-url', CALLBACK),
      await provider('apps', 'create', 'twin', '--callback-url', CALLBACK),
    ].map((text) => text.trim())
    const message = await cli.bad('oauth2-provider', 'apps', 'delete', 'twin', '-y')
    for (const id of ids) {
      expect(message).toContain(id)
      await provider('apps', 'rm', id, '-y')
    }
  })

  it('are for administrators', async () => {
    expect(await member.bad('oauth2-provider', 'apps', 'create', 'mine', '--callback-url', CALLBACK)).toMatch(
      /^error: /,
    )
  })
})

describe('OA-18: secrets', () => {
  it('are shown once, listed by their ends, and deleted', async () => {
    const app = (await provider('apps', 'create', 'vault', '--callback-url', CALLBACK)).trim()
    const secret = (await provider('secrets', 'create', 'vault', '--lifetime', '90d')).trim()
    const lasting = (await provider('secrets', 'create', app)).trim()
    const listed = await json('oauth2-provider', 'secrets', 'list', 'vault')
    expect(listed).toEqual(await owner.call(listOAuth2AppSecrets, { params: { app } }))
    const table = await provider('secrets', 'ls', 'vault')
    for (const whole of [secret, lasting]) {
      expect(table).toContain(whole.slice(-6))
      expect(table).not.toContain(whole)
    }
    const ends = listed.map(({ expires_at: end }: { expires_at: string | null }) => end)
    const days = ends
      .filter(Boolean)
      .map((end: string) => Math.round((Date.parse(end) - Date.now()) / 86_400_000))
    expect([ends.length, days]).toEqual([2, [90]])
    await provider('secrets', 'delete', 'vault', secret.slice(-6), '-y')
    expect(await provider('secrets', 'list', 'vault')).not.toContain(secret.slice(-6))
    expect(await cli.bad('oauth2-provider', 'secrets', 'rm', 'vault', 'nosuch', '-y')).toContain(
      'there is no secret',
    )
    await provider('apps', 'delete', app, '-y')
  })
})

describe('OA-B10: grants', () => {
  it('are listed and revoked by those who gave them', async () => {
    const app = (await provider('apps', 'create', 'helper', '--callback-url', CALLBACK)).trim()
    const secret = (await provider('secrets', 'create', app)).trim()
    const token = await authorize(ada, app, secret)
    const asApp = () =>
      fetch(`${server.url}/api/v2/users/me`, { headers: { Authorization: `Bearer ${token}` } })
    expect((await asApp()).status).toBe(200)
    expect(await member.good('oauth2-provider', 'grants', 'list')).toMatch(
      /^ID +APP[\s\S]*helper +\S* *user:read/,
    )
    expect(await cli.good('oauth2-provider', 'grants', 'list')).not.toContain('helper')
    expect(await cli.good('oauth2-provider', 'grants', 'list', '-u', 'ada')).toContain('helper')
    expect(await member.good('oauth2-provider', 'grants', 'revoke', 'helper')).toMatch(
      /^helper \([0-9a-f-]{36}\) may do nothing any more\.\n$/,
    )
    expect((await asApp()).status).toBe(401)
    expect(await member.bad('oauth2-provider', 'grants', 'revoke', 'helper')).toContain('there is no grant')
  })
})

/** Gives an app a token of a user, as the browser of the user would. */
async function authorize(user: Client, app: string, secret: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: app,
    redirect_uri: CALLBACK,
    scope: 'user:read',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const url = `${server.url}/oauth2/authorize?${query}`
  const headers = { 'Coder-Session-Token': tokenOf(user), Origin: server.url }
  const page = await (await fetch(url, { headers })).text()
  const [, csrfToken = ''] = /name="csrf_token" value="([^"]+)"/.exec(page) ?? []
  const fields = new URLSearchParams({ csrf_token: csrfToken, decision: 'allow' })
  const agreed = await fetch(url, { method: 'POST', headers, body: fields, redirect: 'manual' })
  const code = new URL(agreed.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const issued = await fetch(`${server.url}/oauth2/tokens`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app,
      client_secret: secret,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
      code,
    }),
  })
  return JSON.parse(await issued.text()).access_token
}

describe('OA-100: MCP servers of an organization', () => {
  it('are listed, shown and tested', async () => {
    await using outside = await FakeMcpServer.start()
    const { id: organization } = await owner.call(getOrganization, { params: { organization: 'coder' } })
    const config = await owner.call(createMcpServerConfig, {
      params: { organization },
      body: {
        display_name: 'Outside',
        slug: 'outside',
        url: `${outside.origin}/mcp`,
        transport: 'streamable_http',
        auth_type: 'none',
        availability: 'default_on',
        enabled: true,
      },
    })
    expect(await cli.good('mcp-servers', 'list')).toMatch(/SLUG +NAME[\s\S]*outside +Outside/)
    expect(await json('mcp-servers', 'show', 'outside')).toMatchObject({ id: config.id, slug: 'outside' })
    expect(await json('mcp-servers', 'show', config.id, '-O', 'coder')).toMatchObject({ slug: 'outside' })
    const tested = await cli.run('mcp-servers', 'test', 'outside')
    expect(tested).toMatchObject({ code: 0, stderr: expect.stringMatching(/MCP \d{4}-\d\d-\d\d, \d+ ms/) })
    expect(tested.stdout).toMatch(/^TOOL +AS +OFFERED/)
    expect(await cli.bad('mcp-servers', 'show', 'inside')).toContain('has no MCP server inside')
    expect(await cli.bad('mcp-servers', 'test', 'outside', '--arguments', '{}')).toContain('--tool')
    const unknown = await cli.run('mcp-servers', 'test', 'outside', '--tool', 'no-such-tool')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown_tool') })
  })
})
