import { describe, expect, it } from 'vitest'

import { type AgentCandidate, chooseAgent } from './choose-agent.ts'

const agent = (name: string, more: Partial<AgentCandidate> = {}): AgentCandidate => ({
  id: name,
  name,
  parent_id: null,
  display_order: 0,
  status: 'connected',
  lifecycle_state: 'ready',
  ...more,
})
const chosen = (...agents: readonly AgentCandidate[]) => {
  const { agent: one, reason } = chooseAgent(agents)
  return `${one?.name ?? '-'} ${reason}`
}

describe('choosing an agent', () => {
  it('T-9, CH-1201: takes the first by order and name, whatever the order of the rows', () => {
    expect(chosen(agent('b'), agent('A'))).toBe('A first')
    expect(chosen(agent('a', { display_order: 2 }), agent('b', { display_order: 1 }))).toBe('b first')
    expect(chosen(agent('only'))).toBe('only only')
    expect(chosen(agent('inner', { parent_id: 'x' }))).toBe('- none')
    expect(chosen()).toBe('- none')
  })

  it('T-9, CH-1201: takes the designated one, and refuses to choose between two', () => {
    expect(chosen(agent('a'), agent('x-CODERD-chat', { status: 'disconnected' }))).toBe(
      'x-CODERD-chat designated',
    )
    expect(chooseAgent([agent('x-coderd-chat'), agent('y-coderd-chat')])).toEqual({
      agent: undefined,
      reason: 'ambiguous',
      names: ['x-coderd-chat', 'y-coderd-chat'],
    })
    expect(chosen(agent('a'), agent('x-coderd-chat', { parent_id: 'a' }))).toBe('a only')
  })

  it('B-14: among the others one that is connected and ready comes first', () => {
    expect(chosen(agent('a', { status: 'disconnected' }), agent('b'))).toBe('b ready')
    expect(chosen(agent('a', { lifecycle_state: 'starting' }), agent('b'))).toBe('b ready')
    expect(chosen(agent('a', { status: 'connecting' }), agent('b', { status: 'connecting' }))).toBe('a first')
  })
})
