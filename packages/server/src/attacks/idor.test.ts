import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { checkAuthorization, getUser, type Route, routes, Uuid } from '@slipway/contract'
import {
  fixtures,
  makeTenant,
  openDatabase,
  type PathNames,
  startTestServer,
  type Tenant,
  type TestServer,
} from '@slipway/testkit'
import { ORGANIZATION_ROLES, SITE_ROLES } from '../authz/index.ts'
import { RESOURCES } from '../authz/resources.ts'
import type { Database } from '../database/index.ts'
import { newToken } from '../identity/keys/api-key-token.ts'
import { bodyOf, nothing, parametersOf, pathOf, withoutNames } from './requests.ts'

const AT_ONCE = 6

let server: TestServer
let database: Database
/** Of somebody else, in another organization than that of most who ask. */
let theirs: Tenant
let ownOrganization: string

/** Whoever asks: a role of the deployment, or one in their own organization. */
const ASKERS: readonly {
  readonly who: string
  readonly site?: string
  readonly organization?: string
  readonly neighbour?: true
}[] = [
  { who: 'member' },
  // Of the same organization, with nothing in common but that.
  { who: 'neighbour', neighbour: true },
  ...Object.keys(SITE_ROLES)
    .filter((name) => name !== 'owner' && name !== 'member')
    .map((site) => ({ who: site, site })),
  ...Object.keys(ORGANIZATION_ROLES)
    .filter((name) => name !== 'organization-member')
    .map((organization) => ({ who: `${organization} elsewhere`, organization })),
  { who: 'holder of a role with every permission elsewhere', organization: 'everything' },
]

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  const { db } = database
  await server.owner()
  await server.builtInTemplate()
  const victim = await (await server.user('victim')).call(getUser, { params: { user: 'me' } })
  theirs = await makeTenant(database, {
    ownerId: victim.id,
    organizationId: victim.organization_ids[0] ?? '',
  })
  ownOrganization = (
    await fixtures.organization(db, { default_org_member_roles: ['organization-workspace-access'] })
  ).id
  const permissions = JSON.stringify(
    Object.entries(RESOURCES).flatMap(([resource_type, actions]) =>
      actions.map((action) => ({ resource_type, action, negate: false })),
    ),
  )
  await fixtures.customRole(db, {
    organization_id: ownOrganization,
    name: 'everything',
    org_permissions: permissions,
    member_permissions: permissions,
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function asker({ site, organization, neighbour }: (typeof ASKERS)[number]): Promise<Client> {
  const { db } = database
  const user = await fixtures.user(db, { rbac_roles: site === undefined ? [] : [site] })
  await fixtures.organizationMember(db, {
    user,
    organization_id: neighbour ? theirs.organizationId : ownOrganization,
    roles: organization === undefined ? [] : [organization],
  })
  const { id, token, hashedSecret } = newToken()
  await fixtures.apiKey(db, { user, id, hashed_secret: hashedSecret, scopes: ['coder:all'] })
  return new Client({ url: server.url, token })
}

/** What the role table says that somebody may do to what is theirs, as `type:action`. */
async function powersOf(client: Client): Promise<Set<string>> {
  const { ownerId: owner_id, organizationId: organization_id } = theirs
  const shapes = [{}, { owner_id }, { organization_id }, { owner_id, organization_id }]
  const powers = new Set<string>()
  for (const shape of shapes) {
    const checks = Object.fromEntries(
      Object.entries(RESOURCES).flatMap(([resource_type, actions]) =>
        actions.map((action) => [
          `${resource_type}:${action}`,
          { action, object: { resource_type, ...shape } },
        ]),
      ),
    )
    const answers = await client.call(checkAuthorization, { body: { checks } })
    for (const [name, allowed] of Object.entries(answers)) if (allowed) powers.add(name)
  }
  // What an access list gives is known of the object alone.
  const ofTemplate = await client.call(checkAuthorization, {
    body: {
      checks: Object.fromEntries(
        RESOURCES.template.map((action) => [
          `template:${action}`,
          { action, object: { resource_type: 'template', resource_id: theirs.names.template ?? '' } },
        ]),
      ),
    },
  })
  for (const [name, allowed] of Object.entries(ofTemplate)) if (allowed) powers.add(name)
  return powers
}

/** The types of the objects that a path names, and of what lies under them; any of them may be what is checked. */
function typesOf({ path }: Route): string[] {
  const types: [RegExp, readonly string[]][] = [
    [/\/workspaces?\b|workspacebuilds|workspaceagents|replicas/, ['workspace', 'workspace_dormant']],
    [/\/workspaceagents/, ['workspace_agent_devcontainers']],
    [/templates|templateversions/, ['template']],
    [/dry-run|dynamic-parameters/, ['workspace']],
    [/\{workspacebuild\}\/state/, ['template']],
    [/\/chats\/(files|\{chat\})/, ['chat']],
    [/\/files/, ['file', 'template']],
    [/\/groups|paginated-groups/, ['group', 'group_member']],
    [/members\/roles/, ['assign_org_role']],
    [/\/members|paginated-members/, ['organization_member', 'assign_org_role']],
    [/members\/\{user\}\/workspaces/, ['user']],
    [/provisionerjobs/, ['provisioner_jobs']],
    [/provisionerdaemons/, ['provisioner_daemon']],
    [/idpsync/, ['idpsync_settings']],
    [
      /\/organizations(\/\{\w+\})?(\/settings\/workspace-sharing|\/templates\/examples)?$/,
      ['organization', 'template'],
    ],
    [/workspace-quota/, ['user', 'organization_member']],
    [/\/keys|\/sessions/, ['api_key']],
    [/\/ai\/governance$/, ['organization', 'group']],
    [/ai-gateway\/sessions/, ['aibridge_interception']],
    [/\/secrets/, ['user_secret']],
    [/\/notifications\/inbox/, ['inbox_notification']],
    [/\/notifications\/preferences/, ['notification_preference']],
    // Auditors list them as they are (OA-101).
    [/mcp-servers/, ['mcp_server_config', 'audit_log']],
    [/identity-providers/, ['idpsync_settings', 'deployment_config']],
    [/oauth2-provider\/apps\/\{app\}$/, ['oauth2_app']],
    [/oauth2-provider\/apps\/\{app\}\/secrets/, ['oauth2_app_secret']],
    [/\{user\}\/roles/, ['user', 'assign_role']],
    [/\/users\/\{user\}(?!\/(keys|secrets|sessions|workspace))/, ['user']],
  ]
  return types.flatMap(([pattern, names]) => (pattern.test(path) ? names : []))
}

const reads = (power: string): boolean => /:(read|view|use)/.test(power)

/** Asks with a body, and changes nothing. */
const ASKS = /\/(evaluate|explain)$/

/** What shows an object of a path to somebody. */
const SHOWN_BY: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^user$/, ['user:read', 'organization_member:read']],
  [/^organization/, ['organization:read']],
  [/^(workspace|buildnumber)/, ['workspace:read']],
  [/^(template|jobID)/, ['template:read']],
  [/^group/, ['group:read']],
  [/^job$/, ['provisioner_jobs:read']],
  [/^fileID$/, ['file:read', 'template:read']],
  [/^(file|chat|message|queuedMessage)$/, ['chat:read']],
  [/^key/, ['api_key:read']],
  [/^session_id$/, ['aibridge_interception:read']],
  [/^passkey$/, ['user:read_personal']],
  [/^roleName$/, ['assign_org_role:read']],
  [/^(identityprovider|providertest)$/, ['deployment_config:read', 'idpsync_settings:read']],
  [/^name$/, ['user_secret:read']],
  [/^app$/, ['oauth2_app:read']],
  [/^secretID$/, ['oauth2_app_secret:read']],
  [/^oauth2grant$/, ['oauth2_app_code_token:read']],
  [/^(mcpserverconfig|mcpServer)$/, ['mcp_server_config:read']],
]

function isShown(parameter: string, powers: readonly string[]): boolean {
  return SHOWN_BY.some(([names, by]) => names.test(parameter) && by.some((power) => powers.includes(power)))
}

interface Answer {
  readonly status: number
  readonly body: string
  /** Whether it tells something that is theirs and that nobody asked for. */
  readonly tells: boolean
}

/** Ids that a route cannot be asked without. */
function queryOf({ query }: Route): string {
  const needed: readonly string[] = query?.required ?? []
  const ids = needed.filter((name) => query?.properties[name] === Uuid)
  const given = Object.fromEntries(ids.map((name) => [name, theirs.names.template ?? '']))
  return ids.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

async function answer(client: Client, route: Route, names: PathNames): Promise<Answer> {
  const response = await fetch(`${server.url}${pathOf(route, names)}${queryOf(route)}`, {
    method: route.method,
    headers: { ...client.headers, ...(route.body ? { 'Content-Type': 'application/json' } : {}) },
    ...(route.body ? { body: JSON.stringify(bodyOf(route, names)) } : {}),
    signal: AbortSignal.timeout(25_000),
  })
  const text = await response.text()
  const asked = new Set(parametersOf(route).map((name) => theirs.names[name]))
  const tells = Object.entries(theirs.names).some(
    ([name, value]) => names[name] === value && !asked.has(value) && value.length > 4 && text.includes(value),
  )
  return { status: response.status, body: withoutNames(text, names), tells }
}

/** Parameters that choose how to answer, or name what belongs to the whole deployment. */
const CHOICES = ['profile', 'context', 'modelConfig', 'idOrName', 'provider', 'notification_template']
/** Whatever they name, they do something to what is the caller's own, and say so (OA-111). */
const ONES_OWN = ['disconnect-mcp-server-oauth2-token']
const objects = routes.filter(
  (route) =>
    route.security === 'session' &&
    !ONES_OWN.includes(route.id) &&
    parametersOf(route).some((parameter) => !CHOICES.includes(parameter)),
)

/** Whether the path names something of a user: then it may also name the caller, who has nothing of that name. */
const ofOneself = (route: Route): boolean =>
  parametersOf(route).includes('user') &&
  parametersOf(route).some(
    (parameter) => !['user', 'organization', 'organizationname', ...CHOICES].includes(parameter),
  )

/** What is wrong with the answer to somebody whom no power gives these objects. */
async function faultsOf(
  client: Client,
  route: Route,
  names: PathNames,
  powers: readonly string[],
): Promise<string[]> {
  const faults: string[] = []
  const found = await answer(client, route, names)
  const what = `${route.method} ${pathOf(route, names)}: ${found.status} ${found.body}`
  const parameters = parametersOf(route)
  const shown = parameters.filter((name) => names[name] === 'me' || isShown(name, powers))
  // A list under something that may be read is without them.
  const isList = route.method === 'GET' && found.status === 200 && !found.tells
  if (!(shown.length > 0 && isList) && ![400, 403, 404].includes(found.status)) faults.push(what)
  if (shown.length === 0 && found.status !== 404) faults.push(what)
  if (shown.length === parameters.length) return faults
  const kept = Object.fromEntries(shown.map((name) => [name, names[name] ?? '']))
  const missing = await answer(client, route, { ...nothing(theirs.names), ...kept })
  if (found.status !== missing.status || found.body !== missing.body)
    faults.push(`${what} and not ${missing.status} ${missing.body}`)
  return faults
}

/** What may change by itself, and where attempts are written down. */
const ALIVE =
  /^(replicas|change_log.*|connection_.*|provisioner_daemons|rate_limit_buckets|audit_.*|api_keys|sign_in_failures|spent_challenges|session_proofs)$/

/** The rows of all that is theirs. */
async function contents(): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(database.db)
  const digests: Record<string, string> = {}
  for (const { name } of tables.filter((table) => !ALIVE.test(table.name))) {
    const { rows } = await sql<{ digest: string }>`
      select md5(coalesce(string_agg(row, '' order by row), '')) as digest
        from (select (to_jsonb(t) - 'last_seen_at' - 'updated_at')::text as row from ${sql.table(name)} t) as rows`.execute(
      database.db,
    )
    digests[name] = rows[0]?.digest ?? ''
  }
  return digests
}

describe('L-S10: nobody reaches what is not theirs, through any parameter of any path', () => {
  it.each(ASKERS.map((one) => [one.who, one] as const))(
    'RB-68: the %s',
    async (_who, who) => {
      const client = await asker(who)
      const powers = [...(await powersOf(client))]
      const before = await contents()
      const faults: string[] = []
      const waiting = objects.values()
      const work = async (): Promise<void> => {
        for (const route of waiting) {
          const held = powers.filter((power) => typesOf(route).includes(power.split(':')[0] ?? ''))
          const may =
            route.method === 'GET' || ASKS.test(route.path)
              ? held.some(reads)
              : held.some((power) => !reads(power))
          // What a role allows is what the tests of the feature are about.
          if (may) continue
          for (const names of [theirs.names, ...(ofOneself(route) ? [{ ...theirs.names, user: 'me' }] : [])])
            faults.push(...(await faultsOf(client, route, names, powers)))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      expect(faults).toEqual([])
      expect(await contents()).toEqual(before)
    },
    120_000,
  )

  it.each(['member', 'organization-admin elsewhere'])(
    'RB-65: the %s, by naming it in a body',
    async (name) => {
      const client = await asker(ASKERS.find(({ who }) => who === name) ?? { who: name })
      const before = await contents()
      const naming = objects.filter(
        ({ method, path }) => method === 'POST' && /\/(?:workspaces|templates|templateversions)$/.test(path),
      )
      expect(naming).toHaveLength(4)
      for (const route of naming)
        for (const user of ['me', theirs.ownerId]) {
          const { status, body } = await answer(client, route, {
            ...theirs.names,
            user,
            organization: ownOrganization,
          })
          expect([400, 403, 404], `${route.path} ${body}`).toContain(status)
        }
      expect(await contents()).toEqual(before)
    },
  )
})

/** The rosters of an organization show addresses to its members; who administers people, or audits, sees more. */
const ROSTERS = ['members', 'members/{user}', 'paginated-members'].map(
  (rest) => `/api/v2/organizations/{organization}/${rest}`,
)
const PEOPLE = [
  ...ROSTERS,
  ...[
    '/api/v2/groups',
    '/api/v2/organizations/{organization}/groups',
    '/api/v2/users',
    '/api/v2/users/{user}',
  ],
]

it.each([
  ['a member of another organization', {}, []],
  ['a member of the same organization', { neighbour: true }, ROSTERS],
  ['a user admin', { site: 'user-admin' }, PEOPLE],
  ['a template admin', { site: 'template-admin' }, [...PEOPLE, '/api/v2/templates/{template}/acl/available']],
  ['an auditor', { site: 'auditor' }, [...PEOPLE, '/api/v2/audit', '/api/v2/audit/export']],
] as const)('L-S8: only these answers show %s the address of somebody else', async (who, as, shown) => {
  const client = await asker({ who, ...as })
  const user = await database.db
    .selectFrom('users')
    .select(['email', 'username'])
    .where('id', '=', theirs.ownerId)
    .executeTakeFirstOrThrow()
  const waiting = routes
    .filter(
      ({ method, security, stream }) =>
        method === 'GET' && security === 'session' && (stream ?? 'bytes') === 'bytes',
    )
    .filter((route) => parametersOf(route).every((name) => theirs.names[name] !== undefined))
    .values()
  const told: string[] = []
  const work = async (): Promise<void> => {
    for (const route of waiting) {
      // Others have filled the first page of the log since.
      const query = route.path === '/api/v2/audit' ? `?q=username:${user.username}` : queryOf(route)
      const url = `${server.url}${pathOf(route, theirs.names)}${query}`
      const text = await (await fetch(url, { headers: client.headers })).text()
      if (text.includes(user.email)) told.push(route.path)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(told.sort()).toEqual([...shown].sort())
})
