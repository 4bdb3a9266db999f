import { describe, expect, it } from 'vitest'

import { AVAILABILITY, isAvailable, type RunKind, runKindOf, SETS, type ToolSet } from './availability.ts'

/** Every cell of the table of CH-11.1: root, child, explorer, planning root, planning child. */
const TABLE: Readonly<Record<ToolSet, string>> = {
  reading: 'yes yes yes yes yes',
  writing: 'yes yes no part no',
  attaching: 'yes yes no yes no',
  processes: 'yes yes no no no',
  workspaces: 'yes no no yes no',
  spawning: 'yes no no yes no',
  steering: 'yes no no no no',
  planning: 'no no no yes no',
  external: 'yes yes part part no',
  'workspace-mcp': 'yes yes no no no',
}
const KINDS: readonly RunKind[] = ['root', 'child', 'explore', 'plan-root', 'plan-child']

describe('CH-11.1', () => {
  for (const [set, row] of Object.entries(TABLE) as [ToolSet, string][])
    it(`where ${set} is`, () => {
      const word = (kind: RunKind): string => {
        const cell = AVAILABILITY[set][kind]
        return cell === 'in part' ? 'part' : cell ? 'yes' : 'no'
      }
      expect(KINDS.map(word).join(' ')).toBe(row)
      expect(KINDS.map((kind) => isAvailable(set, kind))).toEqual(row.split(' ').map((cell) => cell !== 'no'))
    })

  it('no tool belongs to two sets', () => {
    const names = Object.values(SETS).flat()
    expect(new Set(names).size).toBe(names.length)
  })

  it('tells the kind of a run from its chat', () => {
    const none = { parent_chat_id: null, root_chat_id: null, mode: null, plan_mode: null }
    const child = { ...none, parent_chat_id: 'p', root_chat_id: 'p' }
    expect(runKindOf(none)).toBe('root')
    expect(runKindOf({ ...none, plan_mode: 'plan' })).toBe('plan-root')
    expect(runKindOf(child)).toBe('child')
    expect(runKindOf({ ...child, plan_mode: 'plan' })).toBe('plan-child')
    expect(runKindOf({ ...child, mode: 'explore' })).toBe('explore')
    // Its parent was deleted, which makes it no root.
    expect(runKindOf({ ...child, parent_chat_id: null })).toBe('child')
  })
})
