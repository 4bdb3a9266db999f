import { describe, expect, it } from 'vitest'

import {
  type AllowEntry,
  effectiveAccess,
  entryOf,
  missingCompanions,
  uuidOf,
  wireList,
  withEntry,
} from './allow-list.ts'
import { canonicalScope, describeSet, isCovered } from './token-scopes.ts'

const ID = '7b5c0c0e-4d0e-4a2c-8f58-9d1f0d3a1b11'
const dev: AllowEntry = { kind: 'workspace', id: ID, name: 'dev' }
const docker: AllowEntry = { kind: 'template', id: ID, name: 'docker' }
const ada: AllowEntry = { kind: 'user', id: ID, name: 'ada' }

describe('UI-1504: the list', () => {
  it('takes each resource once, and a whole kind in place of its members', () => {
    const twice = withEntry(withEntry([], dev), dev)
    expect(wireList(twice)).toEqual([`workspace:${ID}`])
    const all = withEntry([...twice, docker], { kind: 'workspace', id: '*', name: '*' })
    expect(wireList(all)).toEqual([`template:${ID}`, 'workspace:*'])
    expect(withEntry(all, dev)).toBe(all)
  })

  it('reads what the server keeps', () => {
    expect(entryOf('*:*')).toBeUndefined()
    expect(entryOf(`user:${ID}`)).toEqual({ kind: 'user', id: ID, name: ID })
    expect(wireList(undefined)).toEqual(['*:*'])
  })

  it('knows an id that was pasted', () => {
    expect(uuidOf(` ${ID.toUpperCase()} `)).toBe(ID)
    expect(uuidOf('dev')).toBeUndefined()
  })

  it('ID-86: offers what one workspace needs beside itself, until it is there', () => {
    const parts = [{ template: docker, owner: ada }]
    const missing = missingCompanions([dev], parts)
    expect(wireList(missing)).toEqual([`template:${ID}`, `user:${ID}`, `organization_member:${ID}`])
    expect(missingCompanions([dev, ...missing], parts)).toEqual([])
    expect(wireList(missingCompanions([dev, { kind: 'template', id: '*', name: '*' }], parts))).toEqual([
      `user:${ID}`,
      `organization_member:${ID}`,
    ])
  })
})

describe('UI-1504: what a token may do, in words', () => {
  it.each([
    [['coder:all'], undefined, 'It may do everything that you can.'],
    [['coder:all'], [dev], 'It may do everything that you can with the workspace dev; nothing else.'],
    [['workspace:start', 'workspace:stop'], [dev], 'It may start and stop the workspace dev; nothing else.'],
    [['workspace:*'], undefined, 'It may do everything with workspaces; nothing else.'],
    [
      ['coder:workspaces.operate'],
      [dev, docker],
      'It may read, start, stop and update the workspace dev; read the template docker; nothing else.',
    ],
    [['user:read'], [dev], 'It may do nothing: none of its scopes concerns a chosen resource.'],
    [['coder:later'], undefined, 'It may use what the scope coder:later allows; nothing else.'],
    [[], undefined, 'It may do nothing yet: choose a scope.'],
    [['coder:all'], [], 'It may do nothing yet: choose a resource.'],
  ])('%o on %o', (scopes, list, sentence) => {
    expect(effectiveAccess(scopes, list)).toBe(sentence)
  })
})

describe('UI-1503: scopes', () => {
  it('shows old names as what they mean today, and unknown ones as they are', () => {
    expect(canonicalScope('all')).toBe('coder:all')
    expect(canonicalScope('coder:later')).toBe('coder:later')
    expect(describeSet('coder:later')).toBe('coder:later')
  })

  it('sees which wider ones cover a narrower one', () => {
    expect(isCovered('coder:workspaces.operate', ['coder:workspaces.create'])).toBe(true)
    expect(isCovered('coder:workspaces.create', ['coder:workspaces.operate'])).toBe(false)
    expect(isCovered('workspace:read', ['workspace:*'])).toBe(true)
    expect(isCovered('workspace:*', ['workspace:read'])).toBe(false)
    expect(isCovered('workspace:read', ['workspace:read'])).toBe(false)
    expect(isCovered('coder:later', ['coder:all'])).toBe(false)
  })
})
