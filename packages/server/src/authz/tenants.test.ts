import { randomUUID } from 'node:crypto'

import { type TSchema, Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getUser, login, type Route, routes } from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { hashAgentToken } from '../resources/index.ts'

/** What paths name, by the name of the parameter. */
type Names = Readonly<Record<string, string>>

let server: TestServer
let database: Database
/** Everything that a user of another organization owns. */
let theirs: Names
/** The organization of those who ask. */
let ownOrganization: string
const askers = new Map<string, Client>()

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  const { db } = database
  await server.owner()
  const victim = await (await server.user('victim')).call(getUser, { params: { user: 'me' } })
  const organization_id = victim.organization_ids[0] ?? ''
  const file = await fixtures.file(db, { created_by: victim.id })
  const job = await fixtures.provisionerJob(db, {
    organization_id,
    initiator_id: victim.id,
    file_id: file.id,
  })
  const template = await fixtures.template(db, { organization_id, created_by: victim.id })
  const version = await fixtures.templateVersion(db, { template, created_by: victim.id, name: 'v1' })
  const dryRun = await fixtures.provisionerJob(db, {
    organization_id,
    initiator_id: victim.id,
    type: 'template_version_dry_run',
    input: JSON.stringify({ template_version_id: version.id, workspace_name: 'x' }),
  })
  const workspace = await fixtures.workspace(db, { owner_id: victim.id, template, organization_id })
  const build = await fixtures.workspaceBuild(db, { workspace, version, job })
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: hashAgentToken(randomUUID()),
    first_connected_at: new Date(),
    last_connected_at: new Date(),
  })
  await fixtures.workspaceAgentPortShare(db, { workspace, agent_name: agent.name, port: 8080 })
  const key = await fixtures.apiKey(db, { user_id: victim.id, login_type: 'token', token_name: 'theirs' })
  theirs = {
    user: victim.id,
    organization: organization_id,
    organizationname: organization_id,
    workspace: workspace.id,
    workspacename: workspace.name,
    workspacebuild: build.id,
    buildnumber: String(build.build_number),
    workspaceagent: agent.id,
    template: template.id,
    templatename: template.name,
    templateversion: version.id,
    templateversionname: version.name,
    job: job.id,
    jobID: dryRun.id,
    fileID: file.id,
    keyid: key.id,
    keyname: key.token_name,
    /** Of what a user has under a name. */
    name: 'theirs',
  }

  const organization = await fixtures.organization(db, {
    default_org_member_roles: ['organization-workspace-access'],
  })
  ownOrganization = organization.id
  for (const [name, roles] of [
    ['member', []],
    ['administrator', ['organization-admin']],
  ] as const) {
    await server.user(name)
    const { id } = await db
      .selectFrom('users')
      .select('id')
      .where('username', '=', name)
      .executeTakeFirstOrThrow()
    await db.deleteFrom('organization_members').where('user_id', '=', id).execute()
    await fixtures.organizationMember(db, { organization, user_id: id, roles: [...roles] })
    const { session_token: token } = await server.anonymous.call(login, {
      body: { email: `${name}@example.com`, password: PASSWORD },
    })
    askers.set(name, new Client({ url: server.url, token }))
  }
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const parametersOf = (route: Route) => [...route.path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '')

/** A body that the route takes, naming what is not theirs where a body can name it. */
function bodyOf(route: Route, names: Names): object {
  return {
    ...required(route.body),
    name: 'taken-over',
    password: 'Another-Password-2026!',
    transition: 'stop',
    ttl_ms: 7_200_000,
    deadline: new Date(Date.now() + 7_200_000).toISOString(),
    dormant: true,
    agent_name: 'main',
    port: 8080,
    value: 'x',
    env_name: 'X',
    content: 'X=1',
    schedule: 'CRON_TZ=UTC 0 3 * * *',
    file_id: names.fileID,
    ...(route.path.endsWith('/workspaces') ? { template_id: names.template } : {}),
    ...(route.path.endsWith('/templates') ? { template_version_id: names.templateversion } : {}),
    ...(route.path.endsWith('{template}/versions') ? { id: names.templateversion } : {}),
  }
}

/** Any value for each field that a schema of an object requires. */
function required(schema: TSchema | undefined): object {
  if (schema === undefined || !Type.IsObject(schema)) return {}
  const { properties } = schema
  return Object.fromEntries(
    (schema.required ?? []).flatMap((name) => {
      const property = properties[name]
      return property === undefined ? [] : [[name, anyValue(property)]]
    }),
  )
}

function anyValue(schema: TSchema): unknown {
  if (Type.IsEnum(schema)) return schema.enum[0]
  if (Type.IsUnion(schema)) return anyValue(schema.anyOf[0] ?? {})
  if (Type.IsArray(schema)) return []
  if (Type.IsBoolean(schema)) return true
  if (Type.IsInteger(schema)) return 'minimum' in schema ? schema.minimum : 1
  if (Type.IsString(schema)) return 'format' in schema && schema.format === 'uuid' ? randomUUID() : 'x'
  return required(schema)
}

async function answer(client: Client, route: Route, names: Names) {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name]
    if (value === undefined) throw new Error(`make an object for {${name}} of ${route.path} above`)
    return encodeURIComponent(value)
  })
  const response = await fetch(`${server.url}${path}`, {
    method: route.method,
    headers: { ...client.headers, ...(route.body ? { 'Content-Type': 'application/json' } : {}) },
    ...(route.body ? { body: JSON.stringify(bodyOf(route, names)) } : {}),
    signal: AbortSignal.timeout(10_000),
  })
  return { status: response.status, body: await response.text() }
}

/** Names of nothing, in the same form. */
const nothing = (names: Names): Names =>
  Object.fromEntries(
    Object.entries(names).map(([name, value]) => [
      name,
      /^[0-9a-f-]{36}$/.test(value) ? randomUUID() : /^\d+$/.test(value) ? value : 'absent',
    ]),
  )
/** Without the names that an answer gives back. */
const anonymous = (body: string, names: Names) =>
  Object.values(names).reduce((text, name) => text.replaceAll(name, '…'), body)

const objects = routes.filter((route) => route.security === 'session' && parametersOf(route).length > 0)

describe.each(['member', 'administrator'])('L-S10: to a %s of another organization', (asker) => {
  // Who administers an organization reads all users, to add them to it.
  const ofUsers = (route: Route) =>
    asker === 'administrator' && parametersOf(route).every((name) => /^(?:user|key\w+|name)$/.test(name))

  it.each(
    objects.filter((route) => !ofUsers(route)).map((route) => [route.method, route.path, route] as const),
  )('RB-68: what exists is as absent as what does not: %s %s', async (_method, _path, route) => {
    const client = askers.get(asker) ?? server.anonymous
    for (const more of parametersOf(route).length > 1 ? [{}, { user: 'me' }] : [{}]) {
      const names = { ...theirs, ...more }
      const absent = { ...nothing(theirs), ...more }
      const hidden = await answer(client, route, names)
      expect(hidden.status, hidden.body).toBe(404)
      const other = await answer(client, route, absent)
      expect({ ...hidden, body: anonymous(hidden.body, names) }).toEqual({
        ...other,
        body: anonymous(other.body, absent),
      })
    }
  })

  const namesInBody = (route: Route) =>
    /\/(?:workspaces|templates|templateversions)$/.test(route.path) && route.method === 'POST'

  it.each(
    objects
      .filter((route) => ofUsers(route) && !namesInBody(route))
      .map((route) => [route.method, route.path, route] as const),
  )(
    'ID-205: nothing is changed of users, and nothing private is read: %s %s',
    async (_method, _path, route) => {
      const { status, body } = await answer(askers.get(asker) ?? server.anonymous, route, theirs)
      if (route.method === 'GET' && status === 200) expect(body).not.toContain(theirs.keyid)
      else expect([400, 403, 404], body).toContain(status)
    },
  )

  it('RB-65: what a body names is not reached either', async () => {
    const client = askers.get(asker) ?? server.anonymous
    const naming = objects.filter(namesInBody)
    expect(naming).toHaveLength(4)
    for (const route of naming)
      for (const user of ['me', theirs.user ?? '']) {
        const { status, body } = await answer(client, route, {
          ...theirs,
          user,
          organization: ownOrganization,
        })
        expect([400, 403, 404], `${route.path} ${body}`).toContain(status)
      }
  })
})

it('L-S10: nothing has changed of what is not theirs', async () => {
  const { db } = database
  const one = async (
    table: 'workspaces' | 'templates' | 'users' | 'template_versions',
    id: string | undefined,
  ) =>
    db
      .selectFrom(table)
      .selectAll()
      .where('id', '=', id ?? '')
      .executeTakeFirstOrThrow()
  expect(await one('workspaces', theirs.workspace)).toMatchObject({
    name: theirs.workspacename,
    dormant_at: null,
  })
  expect(await one('templates', theirs.template)).toMatchObject({ name: theirs.templatename, deleted: false })
  expect(await one('users', theirs.user)).toMatchObject({
    username: 'victim',
    deleted: false,
    status: 'active',
  })
  expect(await one('template_versions', theirs.templateversion)).toMatchObject({
    name: 'v1',
    archived: false,
  })
  const builds = await db
    .selectFrom('workspace_builds')
    .select('id')
    .where('workspace_id', '=', theirs.workspace ?? '')
    .execute()
  expect(builds).toHaveLength(1)
})
