import { expect, it } from 'vitest'

import type { History } from '../history.ts'
import { systemTexts } from './assemble.ts'
import { EXPLORE_OVERLAY, PLAN_SUBAGENT_OVERLAY, planOverlay, SUBAGENT_INSTRUCTION } from './texts.ts'

const stored = (...texts: readonly string[]): History => ({
  system: texts.map((text) => ({ parts: [{ type: 'text' as const, text }], row: undefined as never })),
  messages: [],
})
const around = {
  workspace: ['<workspace-context>', '<available-skills>'],
  userPrompt: 'Be brief.',
  planInstructions: 'Ask first.',
}
const USER = '<user-instructions>\nBe brief.\n</user-instructions>'
const ROOT = { id: 'c1', parent_chat_id: null, mode: null, plan_mode: null } as const
const CHILD = { ...ROOT, parent_chat_id: 'p' } as const

it('CH-702: after what is stored come workspace, skills, the user and the mode, in this order', () => {
  const texts = (chat: Parameters<typeof systemTexts>[0]) =>
    systemTexts(chat, stored('deployment', 'chat', 'attached'), around)
  const before = ['deployment', 'chat', 'attached']
  const told = [...around.workspace, USER]
  expect(texts(ROOT)).toEqual([...before, ...told])
  expect(texts(CHILD)).toEqual([...before, SUBAGENT_INSTRUCTION, ...told])
  expect(texts({ ...ROOT, plan_mode: 'plan' })).toEqual([...before, ...told, planOverlay('c1'), 'Ask first.'])
  // CH-1102
  expect(planOverlay('c1')).toContain('$HOME/.coder/plans/PLAN-c1.md')
  expect(texts({ ...CHILD, plan_mode: 'plan' })).toEqual([
    ...before,
    SUBAGENT_INSTRUCTION,
    ...told,
    PLAN_SUBAGENT_OVERLAY,
  ])
  expect(texts({ ...CHILD, mode: 'explore' })).toEqual([
    ...before,
    SUBAGENT_INSTRUCTION,
    ...told,
    EXPLORE_OVERLAY,
  ])
})

it('CH-702: what is empty is left out', () => {
  const nothing = { workspace: [], userPrompt: '', planInstructions: '' }
  expect(systemTexts({ ...ROOT, plan_mode: 'plan' }, stored('', 'chat'), nothing)).toEqual([
    'chat',
    planOverlay('c1'),
  ])
})
