import { sql } from 'kysely'
import { expect, it } from 'vitest'

import { renderDecisionTimes } from './decision-times.ts'
import { type Actor, authorize, isAllowed, sqlFilter, userActor } from './index.ts'

const BOUNDS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.75, 1]
const actor: Actor = userActor({
  id: '00000000-0000-4000-9000-000000000000',
  username: 'somebody',
  siteRoles: [],
  isServiceAccount: false,
  groups: [],
  memberships: [],
})

function value(series: string): number {
  const line = renderDecisionTimes()
    .split('\n')
    .find((one) => one.startsWith(`${series} `))
  if (line === undefined) throw new Error(`there is no ${series}`)
  return Number(line.slice(series.length + 1))
}

const count = (allowed: boolean) =>
  value(`coderd_authz_authorize_duration_seconds_count{allowed="${allowed}"}`)

it('RB-78: each decision is counted by its outcome, whether it was timed or not', () => {
  const before = [count(true), count(false)]
  // More than are timed once, and not a multiple of it.
  for (let i = 0; i < 150; i += 1) isAllowed(actor, 'read', { type: 'user', owner: actor.id })
  for (let i = 0; i < 7; i += 1) isAllowed(actor, 'delete', { type: 'user' })
  expect(() => authorize(actor, 'read', { type: 'license' })).toThrow('Forbidden')
  expect([count(true), count(false)]).toEqual([(before[0] ?? 0) + 150, (before[1] ?? 0) + 8])
  expect(value('coderd_authz_authorize_duration_seconds_sum{allowed="true"}')).toBeGreaterThan(0)
})

it('RB-78: so is each filter of a list', () => {
  const made = () => value('coderd_authz_prepare_authorize_duration_seconds_count')
  const before = made()
  sqlFilter(actor, 'read', 'user', { id: sql.ref('u.id'), owner: sql.ref('u.id') })
  expect(made()).toBe(before + 1)
})

it.each([
  ['coderd_authz_authorize_duration_seconds', 'allowed="false",'],
  ['coderd_authz_prepare_authorize_duration_seconds', ''],
])('RB-78: %s has the buckets that dashboards know', (name, labels) => {
  for (const bound of [...BOUNDS, '+Inf']) value(`${name}_bucket{${labels}le="${bound}"}`)
  expect(renderDecisionTimes().match(new RegExp(`^${name}_bucket\\{${labels}`, 'gm'))).toHaveLength(
    BOUNDS.length + 1,
  )
})
