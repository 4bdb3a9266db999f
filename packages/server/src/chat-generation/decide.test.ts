import { describe, expect, it } from 'vitest'

import type { MessageRow, Part } from '../chats/index.ts'
import { decide, MAX_STEPS, type Situation } from './decide.ts'
import { type History, historyOf, stepsOfTurn } from './history.ts'

const AT = '2026-03-01T12:00:00.000Z'

type Given = Partial<Omit<MessageRow, 'content'>> & { readonly parts?: readonly Part[] }

/** Rows of a conversation, with ids in their order. */
function rows(...given: readonly Given[]): MessageRow[] {
  return given.map(
    ({ parts = [{ type: 'text', text: 'x' }], ...columns }, at): MessageRow => ({
      id: at + 1,
      chat_id: 'c',
      created_at: new Date(AT),
      created_by: null,
      role: 'user',
      content: JSON.parse(JSON.stringify(parts)),
      content_version: 1,
      visibility: 'both',
      model_config_id: null,
      reasoning_effort: null,
      compressed: false,
      deleted: false,
      revision: 1,
      runtime_ms: null,
      input_tokens: null,
      output_tokens: null,
      total_tokens: null,
      reasoning_tokens: null,
      cache_creation_tokens: null,
      cache_read_tokens: null,
      context_limit: null,
      ...columns,
    }),
  )
}

const call = (
  id: string,
  tool_name: string,
  more: Partial<Extract<Part, { type: 'tool-call' }>> = {},
): Part => ({
  type: 'tool-call',
  tool_call_id: id,
  tool_name,
  args: {},
  created_at: AT,
  ...more,
})
const result = (id: string, tool_name: string, is_error = false): Part => ({
  type: 'tool-result',
  tool_call_id: id,
  tool_name,
  result: 1,
  created_at: AT,
  ...(is_error ? { is_error } : {}),
})

const USER = { role: 'user' } as const
const ANSWER = { role: 'assistant' } as const
const SUMMARY = { role: 'user', visibility: 'model', compressed: true } as const
const calls = (...parts: readonly Part[]) => ({ role: 'assistant', parts }) as const
const answers = (...parts: readonly Part[]) => ({ role: 'tool', parts }) as const

const decided = (history: History, more: Partial<Situation> = {}) =>
  decide({
    history,
    steps: stepsOfTurn(history) ?? 0,
    isDynamic: (name) => name === 'ask_client',
    stopsTurn: (name) => name === 'propose_plan',
    compactionRequested: false,
    compactionThreshold: 70,
    contextLimit: 1_000,
    ...more,
  })
const kindOf = (history: History, more: Partial<Situation> = {}): string => {
  const decision = decided(history, more)
  return decision.kind === 'compact' ? `compact ${decision.source}` : decision.kind
}

describe('CH-700: the next step is the first rule that fits', () => {
  it('calls of this server before those of the client, and both before a wish for a summary', () => {
    const both = historyOf(rows(USER, calls(call('a', 'ask_client'), call('b', 'read_file'))))
    expect(decided(both, { compactionRequested: true })).toMatchObject({
      kind: 'run-tools',
      calls: [{ index: 1, part: { tool_call_id: 'b' } }],
    })
    const one = historyOf(
      rows(USER, calls(call('a', 'ask_client'), call('b', 'read_file')), answers(result('b', 'read_file'))),
    )
    expect(kindOf(one, { compactionRequested: true })).toBe('require-action')
  })

  it('what the provider has carried out itself is open for nobody', () => {
    const own = calls(call('p', 'web_search', { provider_executed: true }))
    expect(kindOf(historyOf(rows(USER, own)))).toBe('finish')
  })

  it('a wish for a summary before the end of the turn, where there is something to summarize', () => {
    expect(kindOf(historyOf(rows(USER, ANSWER)), { compactionRequested: true })).toBe('compact manual')
    expect(kindOf(historyOf(rows(USER, SUMMARY)), { compactionRequested: true })).toBe('generate')
    expect(kindOf(historyOf(rows()), { compactionRequested: true })).toBe('generate')
  })

  it('a success of a tool that stops the turn ends it, a failure does not', () => {
    const proposed = (failed: boolean) =>
      historyOf(rows(USER, calls(call('a', 'propose_plan')), answers(result('a', 'propose_plan', failed))))
    expect(kindOf(proposed(false))).toBe('finish')
    expect(kindOf(proposed(true))).toBe('generate')
    const later = [USER, calls(call('a', 'propose_plan')), answers(result('a', 'propose_plan')), USER]
    expect(kindOf(historyOf(rows(...later)))).toBe('generate')
  })

  it('an answer that calls nothing ends the turn', () => {
    expect(kindOf(historyOf(rows(USER, ANSWER)))).toBe('finish')
    expect(kindOf(historyOf(rows(USER, ANSWER, USER)))).toBe('generate')
  })

  it('so do 1200 steps, before a summary is thought of', () => {
    const step = (n: number) => [calls(call(`${n}`, 'read_file')), answers(result(`${n}`, 'read_file'))]
    const turn = (steps: number) =>
      historyOf(rows(USER, ANSWER, USER, ...Array.from({ length: steps }, (_, n) => step(n)).flat()))
    expect(MAX_STEPS).toBe(1200)
    expect(kindOf(turn(MAX_STEPS - 1))).toBe('generate')
    expect(kindOf(turn(MAX_STEPS))).toBe('finish')
    const full = rows(USER, { ...calls(call('a', 'x')), input_tokens: 999 }, answers(result('a', 'x')))
    expect(kindOf(historyOf(full), { steps: MAX_STEPS })).toBe('finish')
    // Where a summary stands for the message of the user, the conversation itself does not tell.
    expect(stepsOfTurn(historyOf(rows(USER, SUMMARY, ANSWER)))).toBeUndefined()
  })

  it('CH-801: at the threshold a summary, all input counted, unless the threshold is 100', () => {
    const used = (more: Given) => historyOf(rows(USER, { ...ANSWER, ...more }, USER))
    expect(kindOf(used({ input_tokens: 699 }))).toBe('generate')
    expect(kindOf(used({ input_tokens: 700 }))).toBe('compact automatic')
    const parts = { input_tokens: 300, cache_read_tokens: 300, cache_creation_tokens: 100 }
    expect(kindOf(used(parts))).toBe('compact automatic')
    expect(kindOf(used({ total_tokens: 700 }))).toBe('compact automatic')
    expect(kindOf(used({ input_tokens: 100, total_tokens: 900 }))).toBe('generate')
    expect(kindOf(used({ input_tokens: 5_000 }), { compactionThreshold: 100 })).toBe('generate')
    expect(kindOf(used({ input_tokens: 700 }), { contextLimit: 2_000 })).toBe('generate')
  })

  it('what is over the threshold right after a summary fails, what grows again is summarized again', () => {
    const after = (...more: readonly Given[]) => historyOf(rows(USER, ANSWER, SUMMARY, ...more))
    const full = { ...ANSWER, input_tokens: 900 }
    expect(decided(after(full, USER))).toMatchObject({
      kind: 'fail',
      error: { kind: 'config', retryable: false },
    })
    expect(kindOf(after({ ...ANSWER, input_tokens: 100 }, USER, full, USER))).toBe('compact automatic')
    expect(kindOf(after())).toBe('generate')
  })
})

describe('CH-703: what models see of a conversation', () => {
  const ids = ({ system, messages }: History) => [system, messages].map((all) => all.map(({ row }) => row.id))

  it('is all system rows, and from the newest summary on what is neither taken out nor for people alone', () => {
    const system = { role: 'system', visibility: 'model' } as const
    const shown = { role: 'assistant', visibility: 'user', compressed: true } as const
    expect(ids(historyOf(rows(system, USER, ANSWER, { ...USER, deleted: true }, USER)))).toEqual([
      [1],
      [2, 3, 5],
    ])
    expect(ids(historyOf(rows(system, USER, SUMMARY, shown, ANSWER, SUMMARY, shown, ANSWER)))).toEqual([
      [1],
      [6, 8],
    ])
    // A summary that an edit has taken out stands for nothing any more.
    expect(ids(historyOf(rows(system, USER, { ...SUMMARY, deleted: true }, USER)))).toEqual([[1], [2, 4]])
  })
})
