import { randomUUID } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { readClaim } from './claims.ts'
import { applyPairs, mappingChange, tidyMapping } from './mapping.ts'
import {
  groupWishes,
  organizationWishes,
  planGroups,
  planOrganizations,
  planRoles,
  planSiteRoles,
  roleWishes,
} from './plan.ts'
import { completeGroupSync, completeOrganizationSync, completeRoleSync } from './settings.ts'

const word = fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__', 'constructor', 'Everyone')
const ids = Array.from({ length: 5 }, (): string => randomUUID())
const id = fc.constantFrom(...ids)
const mapping = fc
  .array(fc.tuple(word, fc.array(id, { maxLength: 3 })), { maxLength: 4 })
  .map((entries): Record<string, string[]> => Object.fromEntries(entries))

describe('claims', () => {
  it.each([
    [undefined, []],
    [null, []],
    ['', []],
    ['one', ['one']],
    [[], []],
    [
      ['b', 'a', 'b', ''],
      ['b', 'a'],
    ],
    [['x'.repeat(1025), 'n\0l', '\ud800', 'ok'], ['ok']],
  ])('%j are texts', (claim, values) => {
    expect(readClaim({ groups: claim }, 'groups')).toEqual({ ok: true, values })
  })

  it.each([['a,b'], [7], [true], [{}], [['a', 7]], [[['a']]], [Array.from({ length: 5001 }, String)]])(
    '%.40j are none',
    (claim) => {
      expect(readClaim({ groups: claim }, 'groups')).toMatchObject({ ok: false, problem: expect.any(String) })
    },
  )

  it('a dot is a part of the name of a claim', () => {
    const claims = { 'https://corp.example/groups': ['a'], realm: { roles: ['b'] } }
    expect(readClaim(claims, 'https://corp.example/groups')).toEqual({ ok: true, values: ['a'] })
    expect(readClaim(claims, 'realm.roles')).toEqual({ ok: true, values: [] })
  })

  it('what every object has is no claim', () => {
    for (const field of ['constructor', 'toString', '__proto__'])
      expect(readClaim({}, field)).toEqual({ ok: true, values: [] })
  })
})

describe('mappings', () => {
  it('OP-14: pairs are added, then taken away, and what gives nothing is gone', () => {
    expect(
      applyPairs(
        { a: ['1', '2'], b: ['1'], kept: [] },
        [
          { given: 'a', gets: '2' },
          { given: 'c', gets: '3' },
          { given: '__proto__', gets: '4' },
        ],
        [
          { given: 'a', gets: '1' },
          { given: 'b', gets: '1' },
          { given: 'nobody', gets: '1' },
        ],
      ),
    ).toEqual(
      Object.fromEntries([
        ['a', ['2']],
        ['kept', []],
        ['c', ['3']],
        ['__proto__', ['4']],
      ]),
    )
  })

  it('a change is what one of both has and the other has not', () => {
    fc.assert(
      fc.property(mapping, mapping, (before, after) => {
        const change = mappingChange(before, after)
        const none = { added: [], removed: [], keys: [] }
        expect(mappingChange(after, after)).toEqual(none)
        if (JSON.stringify(tidyMapping(before, 'ids')) === JSON.stringify(tidyMapping(after, 'ids')))
          expect(change).toEqual(none)
        for (const target of change.added) expect(Object.values(after).flat()).toContain(target)
        for (const target of change.removed) expect(Object.values(before).flat()).toContain(target)
        const back = mappingChange(after, before)
        expect([back.added, back.removed].map((list) => list.toSorted())).toEqual(
          [change.removed, change.added].map((list) => list.toSorted()),
        )
      }),
    )
  })
})

describe('ID-165: what a sync does', () => {
  const target = (of: string) => ({ id: of, name: `name of ${of}` })

  it('is the difference between what somebody has and what the claims give', () => {
    fc.assert(
      fc.property(
        fc.record({
          mapping,
          claim: fc.array(word, { maxLength: 5 }),
          current: fc.uniqueArray(id, { maxLength: 3 }),
          existing: fc.uniqueArray(id),
          byDefault: fc.boolean(),
        }),
        ({ mapping: map, claim, current, existing, byDefault }) => {
          const settings = completeOrganizationSync({
            field: 'orgs',
            mapping: map,
            organization_assign_default: byDefault,
          })
          const [first = ''] = ids
          const plan = planOrganizations(settings, organizationWishes(settings, { orgs: claim }), {
            known: existing.map(target),
            byDefault: [target(first)],
            current: current.map(target),
          })
          const wished = new Set([
            ...claim
              .flatMap((value) => (Object.hasOwn(map, value) ? (map[value] ?? []) : []))
              .filter((of) => existing.includes(of)),
            ...(byDefault ? [first] : []),
          ])
          const idsOf = (list: readonly { readonly id?: string }[]) => new Set(list.map((one) => one.id))
          expect(idsOf(plan.result)).toEqual(wished)
          expect(idsOf(plan.added)).toEqual(new Set([...wished].filter((of) => !current.includes(of))))
          expect(idsOf(plan.removed)).toEqual(new Set(current.filter((of) => !wished.has(of))))
        },
      ),
    )
  })

  it('is nothing without a field, and nothing when the claim cannot be read', () => {
    const current = [target(ids[0] ?? '')]
    for (const [field, claims] of [
      ['', { orgs: ['a'] }],
      ['orgs', { orgs: 7 }],
    ] as const) {
      const settings = completeOrganizationSync({ field, mapping: { a: [ids[1] ?? ''] } })
      const plan = planOrganizations(settings, organizationWishes(settings, claims), {
        known: ids.map(target),
        byDefault: [],
        current,
      })
      expect(plan).toMatchObject({ enabled: field !== '', result: current, added: [], removed: [] })
      expect(plan.error === '').toBe(field === '')
    }
  })

  const organizationId = randomUUID()
  const [devs = '', ops = ''] = ids
  const groups = [
    { id: devs, name: 'devs' },
    { id: ops, name: 'ops' },
    { id: organizationId, name: 'Everyone' },
  ]
  const planOfGroups = (given: Parameters<typeof completeGroupSync>[0], claim: unknown, current = [devs]) => {
    const settings = completeGroupSync({ field: 'groups', ...given })
    return planGroups(settings, groupWishes(settings, { groups: claim }), {
      organizationId,
      known: groups,
      current: groups.filter((group) => current.includes(group.id)),
    })
  }
  const outcomes = (plan: ReturnType<typeof planOfGroups>) =>
    plan.values.map(({ value, outcome }) => `${value} ${outcome}`)

  it('groups: by name, by mapping, and not by names that nothing has', () => {
    const plan = planOfGroups({ mapping: { admins: [ops.toUpperCase()], none: [], gone: [randomUUID()] } }, [
      'devs',
      'admins',
      'none',
      'gone',
      'unheard',
      'Everyone',
      'everyone',
    ])
    expect(outcomes(plan)).toEqual([
      'devs named',
      'admins mapped',
      'none mapped',
      'gone unknown',
      'unheard unknown',
      'Everyone named',
      'everyone named',
    ])
    expect(plan.result.map(({ name }) => name)).toEqual(['devs', 'ops'])
    expect([plan.added, plan.removed]).toEqual([[{ id: ops, name: 'ops' }], []])
  })

  it('groups: a mapped value does not stand for its name any more', () => {
    expect(planOfGroups({ mapping: { devs: [ops] } }, ['devs']).result.map(({ name }) => name)).toEqual([
      'ops',
    ])
    expect(planOfGroups({ mapping: { devs: [] } }, ['devs']).removed.map(({ name }) => name)).toEqual([
      'devs',
    ])
  })

  it('groups: missing ones are made where that is wanted, and none with endless names', () => {
    const plan = planOfGroups({ auto_create_missing_groups: true }, ['devs', 'new', 'x'.repeat(256)])
    expect(outcomes(plan).map((line) => line.slice(-7))).toEqual(['s named', 'created', 'unknown'])
    expect(plan.added).toEqual([{ name: 'new' }])
  })

  it('groups: names of the configuration are exchanged before the filter and the mapping see them', () => {
    const plan = planOfGroups(
      {
        legacy_group_name_mapping: { raw: 'dev-raw', other: 'ops' },
        regex_filter: '^dev-',
        mapping: { 'dev-raw': [devs], raw: [ops] },
      },
      ['raw', 'other', 'devs'],
      [],
    )
    expect(outcomes(plan)).toEqual(['raw mapped', 'other filtered', 'devs filtered'])
    expect(plan.added.map(({ name }) => name)).toEqual(['devs'])
  })

  it('groups: a filter that takes too long on a claim changes nothing', () => {
    const claim = Array.from({ length: 500 }, (_, index) => `${'a'.repeat(1000)}${index}`)
    const plan = planOfGroups({ regex_filter: '(a?){200}(a+)+$' }, claim)
    expect(plan).toMatchObject({ error: expect.stringContaining('too long'), removed: [] })
  })

  it('roles: by name and by mapping, and none that the system gives or that is unknown', () => {
    const settings = completeRoleSync({
      field: 'roles',
      mapping: { boss: ['organization-admin', 'Own'], nobody: [], gone: ['former'] },
    })
    const claims = {
      roles: ['boss', 'nobody', 'gone', 'organization-auditor', 'organization-member', 'owner', 'unheard'],
    }
    const plan = planRoles(settings, roleWishes(settings, claims), {
      custom: new Set(['Own']),
      current: ['agents-access', 'former'],
    })
    expect(plan.values.map(({ outcome }) => outcome)).toEqual([
      'mapped',
      'mapped',
      'unknown',
      'named',
      'unknown',
      'unknown',
      'unknown',
    ])
    expect(plan.result.map(({ name }) => name)).toEqual(['organization-admin', 'Own', 'organization-auditor'])
    expect(plan.removed.map(({ name }) => name)).toEqual(['agents-access', 'former'])
  })

  it('site roles: those of everybody, and those of the claim', () => {
    const settings = {
      field: 'roles',
      mapping: { boss: ['owner', 'auditor'] },
      defaults: ['template-admin', 'typo'],
    }
    const state = {
      assignable: new Set(['owner', 'auditor', 'template-admin', 'user-admin']),
      current: ['user-admin'],
    }
    const plan = planSiteRoles(settings, { roles: ['boss', 'member'] }, state)
    expect(plan.result.map(({ name }) => name)).toEqual(['template-admin', 'owner', 'auditor'])
    expect(plan.removed).toEqual([{ name: 'user-admin' }])
    expect(planSiteRoles({ ...settings, field: '' }, { roles: ['boss'] }, state).enabled).toBe(false)
  })
})
