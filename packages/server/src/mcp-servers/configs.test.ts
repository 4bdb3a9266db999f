import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type ApiFailure, Client } from '@slipway/client'
import {
  type CreateMCPServerConfigRequest,
  createGroup,
  createMcpServerConfig,
  createToken,
  deleteMcpServerConfig,
  getMcpServerConfig,
  getMcpServerConfigAcl,
  getUser,
  listAuditLogs,
  listMcpServerConfigs,
  type MCPServerConfig,
  routes,
  updateMcpServerConfig,
  updateMcpServerConfigAcl,
} from '@slipway/contract'
import { fixtures, openDatabase } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { World } from './world.fixture.ts'

let world: World
let database: Database
let member: Client

beforeAll(async () => {
  world = await World.start()
  database = await openDatabase(world.server.databaseUrl)
  world.protect()
  member = await world.server.user('member')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const SECRET = { client: 'client-secret-1', key: 'api-key-value-1', header: 'header-value-1' }
const SECRETS = Object.values(SECRET)
const OAUTH = {
  auth_type: 'oauth2' as const,
  oauth2_client_id: 'us',
  oauth2_auth_url: 'https://auth.example/authorize',
  oauth2_token_url: 'https://auth.example/token',
}

async function statusOf(call: Promise<unknown>): Promise<number> {
  return call.then(
    () => 200,
    (error: ApiFailure) => error.status,
  )
}
const change = (config: MCPServerConfig, body: object, client = world.owner) =>
  client.call(updateMcpServerConfig, { params: world.params(config), body })
const read = (client: Client, config: MCPServerConfig) =>
  client.call(getMcpServerConfig, { params: world.params(config) })
const list = (client: Client) =>
  client.call(listMcpServerConfigs, { params: { organization: world.organization } })
const create = (client: Client, more: object) =>
  client.call(createMcpServerConfig, {
    params: { organization: world.organization },
    body: world.body(more),
  })

/** A client whose user has these roles in the organization. */
async function withRoles(name: string, roles: string[], scopes?: readonly string[]): Promise<Client> {
  const client = await world.server.user(name)
  const { id } = await client.call(getUser, { params: { user: 'me' } })
  await database.db
    .updateTable('organization_members')
    .set({ roles })
    .where('user_id', '=', id)
    .where('organization_id', '=', world.organization)
    .execute()
  const { key } = await client.call(createToken, {
    params: { user: 'me' },
    body: scopes === undefined ? {} : { scopes: [...scopes] },
  })
  return new Client({ url: world.server.url, token: key })
}

describe('OA-103: creating', () => {
  it('RB-58: answers 201 with trimmed fields, and opens it to the organization', async () => {
    const response = await fetch(
      `${world.server.url}/api/experimental/organizations/${world.organization}/mcp-servers`,
      {
        method: 'POST',
        headers: { ...world.owner.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(
          world.body({ display_name: '  Trimmed ', description: ' x ', tool_deny_list: [' a ', 'a', ''] }),
        ),
      },
    )
    expect(response.status).toBe(201)
    const made = (await response.json()) as MCPServerConfig
    expect(made).toMatchObject({
      display_name: 'Trimmed',
      description: 'x',
      tool_deny_list: ['a'],
      model_intent: false,
      allow_in_plan_mode: false,
      forward_coder_headers: false,
      health: { status: 'unknown' },
    })
    const acl = await world.owner.call(getMcpServerConfigAcl, { params: world.params(made) })
    expect(acl.groups).toMatchObject([{ id: world.organization, role: 'read', members: [] }])
    expect(acl.groups[0]?.total_member_count).toBeGreaterThan(0)
  })

  it('refuses what breaks a rule', async () => {
    const { slug } = await world.create()
    expect(await statusOf(world.create({ slug }))).toBe(409)
    const bad: object[] = [
      { transport: 'carrier-pigeon' },
      { auth_type: 'magic' },
      { availability: 'sometimes' },
      { display_name: '  ' },
      { slug: 'a b' },
      { slug: '_' },
      { url: 'file:///etc/passwd' },
      { url: '/mcp' },
      { auth_type: 'api_key' },
      { auth_type: 'api_key', api_key_header: 'X-Key' },
      { auth_type: 'api_key', api_key_header: 'X Key', api_key_value: 'x' },
      { auth_type: 'api_key', api_key_header: 'Host', api_key_value: 'x' },
      { auth_type: 'api_key', api_key_header: 'X-Key', api_key_value: 'x\r\ny: z' },
      { auth_type: 'custom_headers' },
      { auth_type: 'custom_headers', custom_headers: {} },
      { auth_type: 'custom_headers', custom_headers: { 'Content-Length': '1' } },
      { auth_type: 'oauth2', oauth2_client_id: 'x' },
      { ...OAUTH, oauth2_token_url: '' },
      { ...OAUTH, oauth2_auth_url: 'javascript:alert(1)' },
      { ...OAUTH, oauth2_revocation_url: 'http://auth.example/revoke' },
      { ...OAUTH, oauth2_revocation_url: 'https:///' },
    ]
    for (const more of bad) expect([more, await statusOf(world.create(more))]).toEqual([more, 400])
    expect(await statusOf(create(member, {}))).toBe(403)
  })

  it('OA-105: takes revocations over plain HTTP only on this machine, and clears the address', async () => {
    const config = await world.create({ ...OAUTH, oauth2_revocation_url: 'http://127.0.0.1:1/revoke' })
    expect(config.oauth2_revocation_url).toBe('http://127.0.0.1:1/revoke')
    expect(await statusOf(change(config, { oauth2_revocation_url: 'http://x.example/' }))).toBe(400)
    expect(await change(config, { oauth2_revocation_url: '' })).toMatchObject({ oauth2_revocation_url: '' })
  })

  it('OA-104: leaves servers that get tokens of the identity provider to operators', async () => {
    const admin = await withRoles('admin-of-servers', ['organization-admin'])
    expect(await statusOf(create(admin, { auth_type: 'user_oidc' }))).toBe(403)
    const config = await world.create({ auth_type: 'user_oidc' })
    expect(await statusOf(change(config, { description: 'x' }, admin))).toBe(403)
    expect(await statusOf(change(config, { auth_type: 'none' }, admin))).toBe(403)
    // Neither may others say whose tokens go there.
    const share = (of: typeof config) =>
      admin.call(updateMcpServerConfigAcl, { params: world.params(of), body: { user_roles: {} } })
    const remove = (of: typeof config) => admin.call(deleteMcpServerConfig, { params: world.params(of) })
    expect(await statusOf(share(config))).toBe(403)
    expect(await statusOf(remove(config))).toBe(403)
    const plain = await create(admin, {})
    expect(await statusOf(change(plain, { auth_type: 'user_oidc' }, admin))).toBe(403)
    expect(await statusOf(change(plain, { description: 'x' }, admin))).toBe(200)
    expect(await statusOf(share(plain))).toBe(200)
    expect(await statusOf(remove(plain))).toBe(200)
  })
})

describe('OA-101: who sees what', () => {
  it('shows members what is on and open to them, without where it is', async () => {
    const config = await world.create({
      ...OAUTH,
      oauth2_client_secret: SECRET.client,
      oauth2_scopes: 'a b',
      oauth2_revocation_url: 'https://auth.example/revoke',
      tool_deny_list: ['x'],
    })
    const seen = await read(member, config)
    expect(seen).toMatchObject({
      url: '',
      transport: '',
      oauth2_client_id: '',
      oauth2_auth_url: '',
      oauth2_token_url: '',
      oauth2_revocation_url: '',
      oauth2_scopes: '',
      oauth2_issuer: '',
      api_key_header: '',
      display_name: 'Outside',
      auth_type: 'oauth2',
      tool_deny_list: ['x'],
    })
    expect((await list(member)).find(({ id }) => id === config.id)).toMatchObject({ url: '' })
    expect(await read(world.owner, config)).toMatchObject({ url: world.outside.url, oauth2_scopes: 'a b' })
    await change(config, { enabled: false })
    expect(await statusOf(read(member, config))).toBe(404)
    expect((await list(member)).map(({ id }) => id)).not.toContain(config.id)
    expect((await list(world.owner)).map(({ id }) => id)).toContain(config.id)
  })

  it('lists by name', async () => {
    const names = (await list(world.owner)).map((config) => config.display_name.toLowerCase())
    expect(names).toEqual(names.toSorted())
  })

  it('shows auditors everything in lists, and one by one what is open to them', async () => {
    const auditor = await withRoles('auditor-of-servers', ['organization-auditor'])
    const config = await world.create({ enabled: false })
    await world.owner.call(updateMcpServerConfigAcl, {
      params: world.params(config),
      body: { group_roles: { [world.organization]: '' } },
    })
    expect((await list(auditor)).find(({ id }) => id === config.id)).toMatchObject({ url: world.outside.url })
    expect(await statusOf(read(auditor, config))).toBe(404)
    // A key must itself permit it.
    const narrow = await withRoles('narrow-auditor', ['organization-auditor'], ['organization:read'])
    expect(await list(narrow)).toEqual([])
  })

  it('shows what is off to who may delete it, without where it is', async () => {
    const permission = (action: string) => ({ resource_type: 'mcp_server_config', action, negate: false })
    const role = await fixtures.customRole(database.db, {
      organization_id: world.organization,
      name: 'cleaner',
      org_permissions: JSON.stringify([permission('read'), permission('delete')]),
    })
    const cleaner = await withRoles('cleaner', [role.name])
    const config = await world.create({ enabled: false })
    expect(await read(cleaner, config)).toMatchObject({ url: '', enabled: false })
    expect(await statusOf(change(config, { description: 'x' }, cleaner))).toBe(404)
    expect(await statusOf(cleaner.call(deleteMcpServerConfig, { params: world.params(config) }))).toBe(200)
  })

  it('OA-102: conceals from who may not, and through another organization', async () => {
    const config = await world.create()
    const elsewhere = await fixtures.organization(database.db)
    const through = { organization: elsewhere.id, mcpserverconfig: config.id }
    for (const [client, params] of [
      [member, world.params(config)],
      [world.owner, through],
    ] as const) {
      expect(await statusOf(client.call(updateMcpServerConfig, { params, body: {} }))).toBe(404)
      expect(await statusOf(client.call(deleteMcpServerConfig, { params }))).toBe(404)
      expect(await statusOf(client.call(getMcpServerConfigAcl, { params }))).toBe(404)
      expect(await statusOf(client.call(updateMcpServerConfigAcl, { params, body: {} }))).toBe(404)
    }
    expect(await statusOf(world.owner.call(getMcpServerConfig, { params: through }))).toBe(404)
    for (const path of ['', `/${config.id}`, `/${config.id}/oauth2/connect`]) {
      const { status } = await fetch(`${world.server.url}/api/experimental/mcp/servers${path}`, {
        headers: world.owner.headers,
      })
      expect([path, status]).toEqual([path, 404])
    }
  })
})

describe('OA-106: changing', () => {
  it('keeps what is left out, and clears what is of another type', async () => {
    const config = await world.create({
      auth_type: 'api_key',
      api_key_header: 'X-Key',
      api_key_value: SECRET.key,
    })
    expect(config).toMatchObject({ api_key_header: 'X-Key', has_api_key: true })
    expect(await change(config, { description: 'new' })).toMatchObject({
      description: 'new',
      api_key_header: 'X-Key',
      has_api_key: true,
    })
    expect(await statusOf(change(config, { api_key_value: '' }))).toBe(400)
    const headers = await change(config, { auth_type: 'custom_headers', custom_headers: { 'X-A': 'b' } })
    expect(headers).toMatchObject({ api_key_header: '', has_api_key: false, has_custom_headers: true })
    const oauth = await change(config, { ...OAUTH, oauth2_client_secret: SECRET.client })
    expect(oauth).toMatchObject({ has_custom_headers: false, has_oauth2_secret: true })
    expect(await change(config, { oauth2_client_secret: '' })).toMatchObject({ has_oauth2_secret: false })
    expect(await change(config, { auth_type: 'none' })).toMatchObject({
      oauth2_client_id: '',
      oauth2_auth_url: '',
    })
    const taken = await world.create()
    expect(await statusOf(change(config, { slug: taken.slug }))).toBe(409)
  })

  it('row 50: ends the connections of all users when it leads elsewhere, and only then', async () => {
    const user = await fixtures.user(database.db)
    const tokens = async (config: MCPServerConfig) =>
      (
        await database.db
          .selectFrom('mcp_server_user_tokens')
          .selectAll()
          .where('config_id', '=', config.id)
          .execute()
      ).length
    const config = await world.create({ ...OAUTH, oauth2_revocation_url: 'https://auth.example/revoke' })
    for (const body of [
      { description: 'other' },
      { display_name: 'Other' },
      { enabled: true },
      { oauth2_scopes: 'more' },
      { oauth2_client_secret: 'other' },
    ]) {
      await fixtures.mcpServerUserToken(database.db, { config_id: config.id, user })
      await change(config, body)
      expect([body, await tokens(config)]).toEqual([body, 1])
      await database.db.deleteFrom('mcp_server_user_tokens').execute()
    }
    for (const body of [
      { url: 'https://other.example/mcp' },
      { oauth2_token_url: 'https://auth.example/other' },
      { oauth2_revocation_url: '' },
      { oauth2_client_id: 'others' },
      { auth_type: 'none' },
    ]) {
      await fixtures.mcpServerUserToken(database.db, { config_id: config.id, user })
      await change(config, body)
      expect([body, await tokens(config)]).toEqual([body, 0])
    }
  })
})

describe('OA-113: sharing', () => {
  it('row 54: takes ids in any spelling, and each once', async () => {
    const config = await world.create()
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    const group = await world.owner.call(createGroup, {
      params: { organization: world.organization },
      body: { name: 'sharers' },
    })
    const share = (body: object) =>
      world.owner.call(updateMcpServerConfigAcl, { params: world.params(config), body })
    await share({ user_roles: { [id.toUpperCase()]: 'read' }, group_roles: { [group.id]: 'read' } })
    const acl = await world.owner.call(getMcpServerConfigAcl, { params: world.params(config) })
    expect(acl.users).toEqual([{ id, username: 'member', name: '', avatar_url: '', role: 'read' }])
    expect(acl.groups.map((one) => one.id).toSorted()).toEqual([group.id, world.organization].toSorted())
    const { user_acl } = await database.db
      .selectFrom('mcp_server_configs')
      .select('user_acl')
      .where('id', '=', config.id)
      .executeTakeFirstOrThrow()
    expect(user_acl).toEqual({ [id]: ['read'] })
    const twice = { [id]: 'read', [id.toUpperCase()]: '' }
    const error: ApiFailure = await share({ user_roles: twice }).then(
      () => Promise.reject(new Error('accepted')),
      (refusal: ApiFailure) => refusal,
    )
    expect(error.status).toBe(400)
    expect(JSON.stringify(error.validations)).toContain(`duplicate entries for ID ${id}`)
    // What is not named stays.
    await share({ group_roles: { [group.id]: '' } })
    expect(
      (await world.owner.call(getMcpServerConfigAcl, { params: world.params(config) })).users,
    ).toHaveLength(1)
    for (const body of [
      { user_roles: { [randomUUID()]: 'read' } },
      { group_roles: { [randomUUID()]: 'read' } },
      { user_roles: { nobody: 'read' } },
      { user_roles: { [id]: 'admin' } },
    ])
      expect([body, await statusOf(share(body))]).toEqual([body, 400])
    const stranger = await fixtures.user(database.db)
    expect(await statusOf(share({ user_roles: { [stranger.id]: 'read' } }))).toBe(400)
  })

  it('closes a server to who is taken out', async () => {
    const config = await world.create()
    expect(await statusOf(read(member, config))).toBe(200)
    await world.owner.call(updateMcpServerConfigAcl, {
      params: world.params(config),
      body: { group_roles: { [world.organization]: '' } },
    })
    expect(await statusOf(read(member, config))).toBe(404)
  })
})

describe('OA-118: audit', () => {
  it('has what was made, changed, shared and deleted, and what was refused', async () => {
    const config = await world.create({
      auth_type: 'api_key',
      api_key_header: 'X-Key',
      api_key_value: SECRET.key,
    })
    await change(config, { description: 'audited', api_key_value: 'api-key-value-2' })
    await world.owner.call(updateMcpServerConfigAcl, {
      params: world.params(config),
      body: { group_roles: { [world.organization]: '' } },
    })
    expect(await statusOf(change(config, { slug: '' }))).toBe(400)
    expect(await statusOf(change(config, { description: 'x' }, member))).toBe(404)
    await world.owner.call(deleteMcpServerConfig, { params: world.params(config) })
    const { audit_logs } = await world.owner.call(listAuditLogs, {
      query: { q: 'resource_type:mcp_server_config', limit: 50 },
    })
    const entries = audit_logs.filter((entry) => entry.resource_id === config.id).toReversed()
    expect(
      entries.map(({ action, status_code, resource_target }) => [action, status_code, resource_target]),
    ).toEqual([
      ['create', 201, config.display_name],
      ['write', 200, config.display_name],
      ['write', 204, config.display_name],
      ['write', 400, config.display_name],
      ['write', 404, expect.any(String)],
      ['delete', 204, config.display_name],
    ])
    expect(entries[1]?.diff).toMatchObject({
      description: { old: '', new: 'audited', secret: false },
      api_key_value: { old: '', new: '', secret: true },
    })
    expect(entries[2]?.diff).toHaveProperty('group_acl')
    expect(JSON.stringify(entries)).not.toContain('api-key-value')
  })

  it('has nothing of a discovery that failed', async () => {
    const total = async () =>
      (await world.owner.call(listAuditLogs, { query: { q: 'resource_type:mcp_server_config', limit: 1 } }))
        .count
    const before = await total()
    world.outside.documents.clear()
    expect(await statusOf(world.create({ auth_type: 'oauth2' }))).toBe(400)
    expect(await total()).toBe(before)
  })
})

it('OA-100, row 55: no answer has a secret in it', async () => {
  const bodies: Partial<CreateMCPServerConfigRequest>[] = [
    { ...OAUTH, oauth2_client_secret: SECRET.client },
    { auth_type: 'api_key', api_key_header: 'X-Key', api_key_value: SECRET.key },
    { auth_type: 'custom_headers', custom_headers: { 'X-A': SECRET.header } },
  ]
  for (const body of bodies) {
    const config = await world.create({ ...body })
    for (const route of routes.filter(({ path }) => path.includes('mcp-servers'))) {
      if (route.method === 'DELETE') continue
      const response = await fetch(
        `${world.server.url}${route.path
          .replace('{organization}', world.organization)
          .replace('{mcpserverconfig}', config.id)}`,
        {
          method: route.method,
          redirect: 'manual',
          headers: { ...world.owner.headers, ...(route.body ? { 'Content-Type': 'application/json' } : {}) },
          ...(route.body
            ? { body: JSON.stringify(route.method === 'PATCH' ? {} : { ...world.body(), ...body }) }
            : {}),
        },
      )
      const answer = `${await response.text()} ${JSON.stringify([...response.headers])}`
      for (const secret of SECRETS)
        expect([route.id, answer]).not.toEqual([route.id, expect.stringContaining(secret)])
    }
    const row = await database.db
      .selectFrom('mcp_server_configs')
      .selectAll()
      .where('id', '=', config.id)
      .executeTakeFirstOrThrow()
    for (const secret of SECRETS)
      expect(Buffer.concat(Object.values(row).filter(Buffer.isBuffer)).includes(secret)).toBe(false)
  }
})
