import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { COMPOSITE_SCOPES } from '@slipway/contract'
import { intersectAllowLists, normalizeAllowList, passesAllowList, simplify } from './allow-list.ts'
import { isAllowed, type ResourceObject } from './decide.ts'
import { actorOf, fixture, objectOf } from './decisions.fixture.ts'
import { PUBLIC_SCOPES } from './public-scopes.ts'
import { RESOURCES, type ResourceType } from './resources.ts'
import { agentScope, covers, expandScope, requestedScopes, scopeOf } from './scopes.ts'

describe('RB-1, RB-8…RB-15, RB-22, RB-53: decision vectors', () => {
  test.each(fixture.rows.map((row) => [row.id, row] as const))('RB-13: %s', (_id, row) => {
    expect(isAllowed(actorOf(row.subject, row), row.action, objectOf(row.object)), row.context).toBe(
      row.expect === 'allow',
    )
  })

  test.each(fixture.matrix.map((row) => [row.id, row] as const))('RB-8: matrix %s', (_id, row) => {
    for (const action of row.actions) {
      for (const name of row.allow)
        expect(isAllowed(actorOf(name), action, objectOf(row.object)), `${name} ${action}`).toBe(true)
      for (const name of row.deny)
        expect(isAllowed(actorOf(name), action, objectOf(row.object)), `${name} ${action}`).toBe(false)
    }
  })

  test('RB-2: an actor without roles is a mistake of ours, not a denial', () => {
    const actor = { ...actorOf('dev'), roles: [] }
    expect(() => isAllowed(actor, 'read', { type: 'workspace' })).toThrow(/no roles/)
  })

  test('RB-20: an access list says nothing while a workspace is dormant', () => {
    const shared = { organization: 'O1', owner: 'u-else', id: 'W2', userAcl: { me: ['read'] } }
    expect(isAllowed(actorOf('dev'), 'read', { type: 'workspace', ...shared })).toBe(true)
    expect(isAllowed(actorOf('dev'), 'read', { type: 'workspace_dormant', ...shared })).toBe(false)
  })

  test('RB-3: any organization together with one organization never allows', () => {
    const object = { type: 'workspace', organization: 'O1', owner: 'me', anyOrganization: true } as const
    expect(isAllowed(actorOf('owner'), 'read', object)).toBe(false)
  })
})

const types = fc.constantFrom(...(Object.keys(RESOURCES) as ResourceType[]))
const ids = fc.constantFrom(
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
)
const entries = fc.array(
  fc.record({ type: fc.oneof(types, fc.constant('*' as const)), id: fc.oneof(ids, fc.constant('*')) }),
  { minLength: 1, maxLength: 8 },
)

describe('allow lists and scopes', () => {
  test('ID-84: normalising is idempotent and changes no decision', () => {
    fc.assert(
      fc.property(entries, types, fc.option(ids, { nil: undefined }), (list, type, id) => {
        const normal = simplify(list)
        expect(simplify(normal)).toEqual(normal)
        expect(passesAllowList(normal, type, id)).toBe(passesAllowList(list, type, id))
      }),
    )
  })

  test('ID-85: the intersection allows exactly what both allow', () => {
    fc.assert(
      fc.property(entries, entries, types, ids, (a, b, type, id) => {
        const both = passesAllowList(a, type, id) && passesAllowList(b, type, id)
        expect(passesAllowList(intersectAllowLists(a, b), type, id)).toBe(both)
      }),
    )
  })

  test('ID-83, ID-84, RB-50: case 22, 23', () => {
    const a = '0a7b1c00-0000-4000-8000-00000000000a'
    const b = '0a7b1c00-0000-4000-8000-00000000000b'
    expect(
      normalizeAllowList([
        'workspace:*',
        `workspace:${a}`,
        `template:${b}`,
        `TEMPLATE:${a} `,
        `template:${a}`,
      ]),
    ).toEqual([
      { type: 'template', id: a },
      { type: 'template', id: b },
      { type: 'workspace', id: '*' },
    ])
    expect(normalizeAllowList(['workspace:*', '*:*'])).toEqual([{ type: '*', id: '*' }])
    for (const bad of [['foo:*'], ['workspace:x'], Array.from({ length: 129 }, () => 'workspace:*')])
      expect(() => normalizeAllowList(bad)).toThrow(expect.objectContaining({ status: 400 }))
  })

  test('ID-76, ID-77, RB-46: aliases become canonical in both fields, internal names are refused', () => {
    expect(requestedScopes(undefined, 'all')).toEqual(['coder:all'])
    expect(requestedScopes(['application_connect'], undefined)).toEqual(['coder:application_connect'])
    expect(() => requestedScopes(['debug_info:read'], undefined)).toThrow(
      expect.objectContaining({ status: 400 }),
    )
  })

  test('RB-48: what may be stored is every permission, and what may be asked for what is public of it', () => {
    const single = Object.entries(RESOURCES).flatMap(([type, actions]) =>
      [...actions, '*'].map((action) => `${type}:${action}`),
    )
    expect(single).toHaveLength(182 + 51)
    const storable = [...single, ...Object.keys(COMPOSITE_SCOPES), 'coder:all']
    // Those of the chapter and the one that the gateway has added.
    expect(new Set(storable).size).toBe(242 + 1)
    expect(PUBLIC_SCOPES).toHaveLength(55 + 1)
    for (const name of storable) {
      expect(expandScope(name), name).toBeDefined()
      if (PUBLIC_SCOPES.includes(name)) expect(requestedScopes([name], undefined)).toEqual([name])
      else
        expect(() => requestedScopes([name], undefined), name).toThrow(
          expect.objectContaining({ status: 400 }),
        )
    }
    expect(PUBLIC_SCOPES.filter((name) => !storable.includes(name))).toEqual([])
  })

  test('RB-17: deleting what the gateway has recorded is no scope', () => {
    expect(expandScope('aibridge_interception:delete')).toBeUndefined()
    expect(() => scopeOf(['aibridge_interception:delete'], [{ type: '*', id: '*' }])).toThrow()
  })

  test('ID-81: neither what agents have nor what JavaScript knows is a name of a scope', () => {
    for (const name of ['no_user_data', 'constructor', '__proto__', 'coder:constructor', ':', '']) {
      expect(() => requestedScopes([name], undefined), name).toThrow(expect.objectContaining({ status: 400 }))
      if (name !== 'no_user_data') expect(() => covers(['coder:all'], [name])).toThrow('does not exist')
    }
  })

  test('ID-80: a key without scopes, or with one that no longer exists, fails closed', () => {
    expect(() => scopeOf([], [{ type: '*', id: '*' }])).toThrow()
    expect(() => scopeOf(['coder:all'], [])).toThrow()
    expect(() => scopeOf(['workspace:fly'], [{ type: '*', id: '*' }])).toThrow()
  })

  test('RB-51, ID-82: coverage compares permissions', () => {
    expect(covers(['coder:workspaces.access'], ['workspace:read'])).toBe(true)
    expect(covers(['workspace:read', 'workspace:ssh'], ['workspace:*'])).toBe(false)
    expect(covers(['coder:all'], ['workspace:*'])).toBe(true)
    expect(() => covers(['coder:all'], ['nope:read'])).toThrow()
  })

  test('ID-75: a scope never widens what the roles give', () => {
    const names = fc.constantFrom(
      'coder:all',
      'workspace:read',
      'coder:workspaces.operate',
      'template:*',
      'user:read',
    )
    const subjects = fc.constantFrom(...Object.keys(fixture.subjects))
    const rows = fc.constantFrom(...fixture.rows)
    fc.assert(
      fc.property(subjects, rows, names, entries, (subject, row, name, list) => {
        const whole = actorOf(subject)
        const narrow = { ...whole, scope: scopeOf([name], list) }
        if (isAllowed(narrow, row.action, objectOf(row.object)))
          expect(isAllowed(whole, row.action, objectOf(row.object))).toBe(true)
      }),
    )
  })

  test('RB-52, ID-81: the agent scope reaches its own workspace and nothing else', () => {
    const scope = agentScope({
      keyScope: 'no_user_data',
      workspaceId: 'W1',
      templateId: 'T1',
      templateVersionId: 'V1',
      ownerId: 'me',
    })
    expect(scope.names).toEqual(['no_user_data'])
    expect(scope.allowList.map(({ type, id }) => `${type}:${id}`)).toEqual([
      'workspace:W1',
      'template:T1',
      'template:V1',
      'user:me',
      'boundary_log:*',
    ])
    const actor = { ...actorOf('dev'), scope }
    const workspace = (id: string): ResourceObject => ({
      type: 'workspace',
      organization: 'O1',
      owner: 'me',
      id,
    })
    expect(isAllowed(actor, 'read', workspace('W1'))).toBe(true)
    expect(isAllowed(actor, 'read', workspace('W2'))).toBe(false)
    expect(isAllowed(actor, 'read_personal', { type: 'user', id: 'me', owner: 'me' })).toBe(false)
  })
})
