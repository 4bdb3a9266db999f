import { expect, it } from 'vitest'

import { beyond, matrixOf, permissionsOf, resourceLabel, splitRefusals } from './permission-matrix.ts'

const KNOWN = [
  { resource_type: 'api_key', actions: ['create', 'read'], grantable: [] },
  { resource_type: 'audit_log', actions: ['create', 'read'], grantable: ['read'] },
  { resource_type: 'workspace', actions: ['ssh', 'create', 'start', 'read'], grantable: ['read', 'start'] },
]
const NOTHING = new Set<string>()

it('UI-1402: kinds of resources are grouped, actions with a column of their own come first', () => {
  const groups = matrixOf(KNOWN, { all: false, text: '', chosen: NOTHING })
  expect(groups.map(({ title }) => title)).toEqual(['Workspaces', 'Logs'])
  expect(groups[0]?.rows[0]?.cells.map(({ action, grantable }) => [action, grantable])).toEqual([
    ['create', false],
    ['read', true],
    ['ssh', false],
    ['start', true],
  ])
})

it('UI-1402: other kinds show when they are asked for, found, or hold something', () => {
  const titles = (question: Partial<Parameters<typeof matrixOf>[1]>) =>
    matrixOf(KNOWN, { all: false, text: '', chosen: NOTHING, ...question }).flatMap(({ rows }) =>
      rows.map(({ type }) => type),
    )
  expect(titles({ all: true })).toEqual(['workspace', 'audit_log', 'api_key'])
  expect(titles({ text: 'API' })).toEqual(['api_key'])
  expect(titles({ chosen: new Set(['api_key:read']) })).toContain('api_key')
  expect(titles({ text: 'nothing' })).toEqual([])
})

it('RB-37: what the viewer does not hold is named', () => {
  expect(beyond(new Set(['workspace:ssh', 'workspace:read']), KNOWN)).toEqual(['workspace:ssh'])
})

it('RB-136: refusals are kept apart from what is granted', () => {
  const refusal = { resource_type: 'workspace', action: 'share', negate: true } as const
  const { granted, refused } = splitRefusals([
    refusal,
    { resource_type: 'workspace', action: 'read', negate: false },
  ])
  expect([...granted]).toEqual(['workspace:read'])
  expect(refused).toEqual([refusal])
})

it('permissions are sent in one order, whatever was clicked first', () => {
  expect(permissionsOf(new Set(['b:read', 'a:update', 'a:read']))).toEqual([
    { resource_type: 'a', action: 'read' },
    { resource_type: 'a', action: 'update' },
    { resource_type: 'b', action: 'read' },
  ])
})

it('kinds of resources are called as people call them', () => {
  expect(resourceLabel('organization_member')).toBe('Members')
  expect(resourceLabel('workspace')).toBe('Workspaces')
  expect(resourceLabel('deployment_stats')).toBe('Deployment stats')
})
