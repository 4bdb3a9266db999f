import { expect, it } from 'vitest'

import type { ToolCall } from './rows.ts'
import { durationOf, phaseOf, toolWords } from './tool-words.ts'

function called(name: string, args: unknown, result?: unknown, error = false): ToolCall {
  return {
    id: 'a',
    name,
    call: { type: 'tool-call', tool_call_id: 'a', tool_name: name, args, created_at: '2026-01-01T00:00:00Z' },
    result:
      result === undefined
        ? undefined
        : {
            type: 'tool-result',
            tool_call_id: 'a',
            tool_name: name,
            result,
            created_at: '2026-01-01T00:00:03Z',
            ...(error ? { is_error: true } : {}),
          },
  }
}

it('UI-1137: a row says what is done to what, in the tense of its phase', () => {
  const reading = called('read_file', { path: '/a.ts' })
  expect(toolWords(reading, phaseOf(reading, true))).toMatchObject({ verb: 'Reading', object: '/a.ts' })
  const read = called('read_file', { path: '/a.ts' }, { content: '' })
  expect(toolWords(read, phaseOf(read, true))).toMatchObject({ verb: 'Read' })
  const refused = called('write_file', { path: '/a.ts' }, 'it is a folder', true)
  expect(toolWords(refused, phaseOf(refused, true))).toMatchObject({ verb: 'Could not write' })
  expect(toolWords(reading, phaseOf(reading, false))).toMatchObject({ verb: 'Reading' })
  const command = called('execute', { command: 'make' }, { success: false, exit_code: 2 })
  expect(toolWords(command, phaseOf(command, false))).toMatchObject({ verb: 'Ran' })
  const unreachable = called('execute', { command: 'make' }, 'the agent is not connected', true)
  expect(toolWords(unreachable, phaseOf(unreachable, false))).toMatchObject({ verb: 'Could not run' })
  expect(toolWords(called('github__create_issue', {}, {}), 'done')).toMatchObject({
    verb: 'github: create_issue',
  })
})

it('UI-1137: of a long path the end is shown, with the name of the file', () => {
  const deep = `/srv/${'folder/'.repeat(12)}main.ts`
  expect(toolWords(called('read_file', { path: deep }), 'running')?.object).toMatch(/^…\/folder.*main\.ts$/)
  expect(toolWords(called('read_file', { path: `/${'a'.repeat(80)}` }), 'running')?.object).toBe(
    `/${'a'.repeat(80)}`,
  )
})

it('UI-1137: a row without what identifies it is not shown yet', () => {
  expect(toolWords(called('execute', {}), 'running')).toBeUndefined()
  expect(toolWords(called('wait_agent', {}), 'running')).toBeUndefined()
  expect(toolWords(called('edit_files', { files: [] }), 'running')).toBeUndefined()
  const wrong = called('write_file', {}, 'must have required properties path', true)
  expect(toolWords(wrong, phaseOf(wrong, false))).toMatchObject({
    verb: 'Could not write',
    object: undefined,
  })
})

it('UI-1137: failed, stopped and still running are told apart', () => {
  const command = { command: 'make' }
  expect(phaseOf(called('execute', command, { success: false, exit_code: 2 }), false)).toBe('failed')
  expect(phaseOf(called('execute', command), false)).toBe('stopped')
  expect(phaseOf(called('execute', command), true)).toBe('running')
  expect(phaseOf(called('made_up', {}, 'no such tool', true), false)).toBe('failed')
  const late = { success: false, exit_code: -1, error: 'still runs', background_process_id: 'p1' }
  expect(phaseOf(called('execute', command, late), false)).toBe('done')
})

it('CH-121: a call takes from its own time to that of its result, a command what the tool measured', () => {
  expect(durationOf(called('read_file', {}, {}))).toBe(3000)
  expect(durationOf(called('execute', {}, { wall_duration_ms: 120 }))).toBe(120)
})
