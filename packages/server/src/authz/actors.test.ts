import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { ACTOR_ROLES, type ActorName } from './actor-roles.ts'
import { isAllowed } from './decide.ts'
import type { HeldRole, RoleDefinition } from './permissions.ts'
import { type Action, INTERNAL_ACTIONS, RESOURCES, type ResourceType } from './resources.ts'
import { SCOPE_ALL } from './scopes.ts'
import { type Actor, actorForUser, systemActor } from './subject.ts'

type Level = 'site' | 'user' | 'org' | 'member'
type Specified = { readonly id: string } & {
  readonly [L in Level]?: Readonly<Record<string, readonly string[]>>
}
const specified: Readonly<Record<string, Specified>> = JSON.parse(
  readFileSync(new URL('./actors.fixture.json', import.meta.url), 'utf8'),
)

const USER = '11111111-1111-4111-8111-111111111111'
const ORG = '22222222-2222-4222-8222-222222222222'

function actorOf(name: ActorName): Actor {
  switch (name) {
    case 'api_key_revoker':
    case 'chatd_key_minter':
    case 'chatd_token_owner':
    case 'oauth2_token_issuer':
      return actorForUser(name, USER, 'a test')
    case 'sub_agent_api': {
      // Nothing needs it yet; what it will be made of is here.
      const role: HeldRole = { name, organizationId: ORG, definition: ACTOR_ROLES[name] }
      return { id: USER, type: name, name, roles: [role], groups: [], scope: SCOPE_ALL }
    }
    default:
      return systemActor(name, 'a test')
  }
}

const names = Object.keys(ACTOR_ROLES) as ActorName[]
const pairs = (Object.entries(RESOURCES) as [ResourceType, readonly Action[]][]).flatMap(([type, actions]) =>
  [...actions, ...(INTERNAL_ACTIONS[type] ?? [])].map((action) => ({ type, action })),
)

/** Where each level shows and no other does. */
const OBJECTS: Readonly<Record<Level, { readonly owner?: string; readonly organization?: string }>> = {
  site: {},
  user: { owner: USER },
  org: { organization: ORG },
  member: { organization: ORG, owner: USER },
}
const REACHED: Readonly<Record<Level, readonly Level[]>> = {
  site: ['site'],
  user: ['site', 'user'],
  org: ['site', 'org'],
  member: ['site', 'org', 'member'],
}

describe('system actors', () => {
  it('RB-59: are those of the specification, under their ids', () => {
    expect(names.toSorted()).toEqual(Object.keys(specified).toSorted())
    for (const name of names) {
      const { id = '' } = specified[name] ?? {}
      expect([name, actorOf(name).id]).toEqual([name, id === '<user id>' ? USER : id])
    }
  })

  it.each(names)('RB-61, RB-63: %s may do exactly what is specified, at its level', (name) => {
    const actor = actorOf(name)
    for (const level of ['site', 'user', 'org', 'member'] as const) {
      const allowed = pairs
        .filter(({ type, action }) => isAllowed(actor, action, { type, ...OBJECTS[level] }))
        .map(({ type, action }) => `${type}:${action}`)
      const expected = pairs
        .filter(({ type, action }) =>
          REACHED[level].some((reached) => {
            const of = specified[name]?.[reached]
            return [of?.[type], of?.['*']].some((list) => list?.includes('*') || list?.includes(action))
          }),
        )
        .map(({ type, action }) => `${type}:${action}`)
      expect(allowed, level).toEqual(expected)
    }
  })

  it('RB-138: who reads keys writes none, and the clock, the reaper and the provisioner hold nothing of the system', () => {
    expect(isAllowed(systemActor('crypto_key_reader', 'a test'), 'update', { type: 'crypto_key' })).toBe(
      false,
    )
    for (const name of ['autostart', 'job_reaper', 'provisionerd'] as const)
      for (const action of RESOURCES.system)
        expect(isAllowed(systemActor(name, 'a test'), action, { type: 'system' })).toBe(false)
  })

  it('OA-13: what works for clients of OAuth2 holds what that takes and nothing else', () => {
    const holds = pairs
      .filter(({ type, action }) => isAllowed(systemActor('system_oauth', 'a test'), action, { type }))
      .map(({ type, action }) => `${type}:${action}`)
    expect(holds.toSorted()).toEqual(
      [
        ...RESOURCES.oauth2_app.map((action) => `oauth2_app:${action}`),
        ...RESOURCES.oauth2_app_code_token.map((action) => `oauth2_app_code_token:${action}`),
        ...RESOURCES.oauth2_app_secret.map((action) => `oauth2_app_secret:${action}`),
        ...['api_key:delete', 'api_key:read', 'deployment_config:read', 'organization:read', 'user:read'],
      ].toSorted(),
    )
  })

  it('WS-75: the provisioner makes and reads files and no more, who renders forms only reads them', () => {
    const ofFiles = (name: ActorName) =>
      RESOURCES.file.filter((action) => isAllowed(actorOf(name), action, { type: 'file', owner: USER }))
    expect(ofFiles('provisionerd')).toEqual(['create', 'read'])
    expect(ofFiles('file_reader')).toEqual(['read'])
    const ofReader = pairs.filter(({ type, action }) => isAllowed(actorOf('file_reader'), action, { type }))
    expect(ofReader).toEqual([{ type: 'file', action: 'read' }])
    for (const action of RESOURCES.user_secret)
      expect(isAllowed(actorOf('provisionerd'), action, { type: 'user_secret', owner: USER })).toBe(false)
  })

  it('WS-221: what the purge could call outside of chats deletes, whatever is written later', () => {
    const purge = systemActor('dbpurge', 'a test')
    const text = readFileSync(new URL('./store-functions.checks.txt', import.meta.url), 'utf8')
    const open = [...text.matchAll(/^(\S+) (\S+): (.+)$/gm)].flatMap(
      ([, file = '', name = '', checks = '']) => {
        const asked = [...checks.matchAll(/(\w+) (\w+)(?: \([^)]*\))?(?:; |$)/g)]
        const isOpen = pairs.filter(({ type, action }) =>
          asked.some(([, asks, of]) => asks === action && of === type),
        )
        return isOpen.every((pair) => isAllowed(purge, pair.action, { type: pair.type })) &&
          !isOpen.every(({ type }) => type === 'chat')
          ? [`${file} ${name}`]
          : []
      },
    )
    expect(open).toContain('purge/store.ts expiredKeys.deleteOld')
    expect(
      open.filter(
        (one) => !/ (?:\w+\.)?(?:deleteOld|countOld|delete\w+|forget\w+|spend\w+|tryPurgeLock)$/.test(one),
      ),
    ).toEqual(['purge/store.ts endPrebuildKeys'])
  })

  it.each(names)('RB-63: %s names no pair that does not exist', (name) => {
    const role: RoleDefinition = ACTOR_ROLES[name]
    for (const level of ['site', 'user', 'org', 'member'] as const)
      for (const [type, actions = []] of Object.entries(role[level] ?? {}))
        for (const action of actions)
          if (type !== '*' && action !== '*') expect(pairs).toContainEqual({ type, action })
  })
})

describe('switching to a system actor', () => {
  const source = fileURLToPath(new URL('../', import.meta.url))
  const calls = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('authz/subject.ts'),
    )
    .flatMap((file) => {
      const text = readFileSync(path.join(source, file), 'utf8')
      return [...text.matchAll(/\b(?:systemActor|actorForUser)\(((?:'[^']*'|[^')])*)\)/g)].map((found) => ({
        file,
        args: found[1] ?? '',
      }))
    })

  it('RB-62: every place says why, in the code', () => {
    expect(calls.length).toBeGreaterThan(30)
    for (const { file, args } of calls)
      expect(args, file).toMatch(/^\s*'\w+',\s*(?:[\w.]+,\s*)?'[^']{12,}',?\s*$/)
  })

  it('WS-75: files are read and made as who asks, or as the provisioner', () => {
    const named = calls.filter(({ file }) =>
      /import \{[^}]*\b(?:getFile|storeFile)\b[^}]*\} from '\.\.?\/(?:files\/index|store)\.ts'/.test(
        readFileSync(path.join(source, file), 'utf8'),
      ),
    )
    expect(named.map(({ file }) => file)).toContain('workspaces/run-build.ts')
    for (const { file, args } of named) expect(args, file).toMatch(/^\s*'(?:provisionerd|file_reader)'/)
  })

  it('RB-60: the widest actor is only where no narrower one has the rights', () => {
    const wide = calls.filter(({ args }) => args.includes("'system_restricted'")).map(({ file }) => file)
    expect([...new Set(wide)].toSorted()).toEqual([
      'ai-providers/seed-providers.ts',
      'apps/authorize-app.ts',
      'audit/record.ts',
      'edge-options.ts',
      'identity/keys/validate-key.ts',
      'identity/sessions/open-session.ts',
      'identity/users/create-admin-user.ts',
      'identity/users/first-user.ts',
      'idp-sync/default-membership.ts',
      'idp-sync/sync-from-claims.ts',
      'open-context.ts',
      'provisioning/job-worker.ts',
      'replicas/registration.ts',
      'sign-in/actor.ts',
      'templates/built-in.ts',
      'workspaces/follow-up-builds.ts',
    ])
  })
})
