import { expect, it } from 'vitest'

import { codeText, hasFailed, isOngoing } from './connection-words.ts'

const CONNECTION = '11111111-1111-1111-1111-111111111111'
const ended = (exit_code: number) => ({
  ssh_info: { connection_id: CONNECTION, disconnect_time: '2026-03-01T00:00:00Z', exit_code },
})
const visit = (status_code: number) => ({
  web_info: { user_agent: '', user: null, slug_or_port: '8080', status_code },
})

it('UI-1406: the end of a session is told with the name of its signal', () => {
  expect(codeText(ended(0))).toBe('exit 0')
  expect(codeText(ended(3))).toBe('exit 3')
  expect(codeText(ended(137))).toBe('exit 137, SIGKILL')
  expect(codeText(visit(502))).toBe('502')
  expect(codeText({ ssh_info: { connection_id: CONNECTION } })).toBeUndefined()
})

it('UI-1406: failures and sessions that go on are told apart', () => {
  expect(hasFailed(ended(0))).toBe(false)
  expect(hasFailed(ended(143))).toBe(true)
  expect(hasFailed(visit(200))).toBe(false)
  expect(hasFailed(visit(403))).toBe(true)
  expect(isOngoing({ ssh_info: { connection_id: CONNECTION } })).toBe(true)
  expect(isOngoing(ended(0))).toBe(false)
  expect(isOngoing(visit(200))).toBe(false)
})
