import { expect, it } from 'vitest'

import {
  readClaims,
  sampleClaims,
  sent,
  withoutTarget,
  withoutValue,
  withTarget,
  withValue,
} from './mapping.ts'

it('UI-1402: values and targets come and go, each once', () => {
  const first = withTarget(withValue({}, 'devs'), 'devs', 'a')
  expect(withTarget(first, 'devs', 'a')).toBe(first)
  expect(withValue(first, 'devs')).toBe(first)
  const second = withTarget(first, 'devs', 'b')
  expect(sent(second)).toEqual({ devs: ['a', 'b'] })
  expect(sent(withoutTarget(second, 'devs', 'a'))).toEqual({ devs: ['b'] })
  expect(sent(withoutValue(second, 'devs'))).toEqual({})
})

it('a value that is called as something every object has is a value like others', () => {
  expect(Object.keys(withValue({}, 'constructor'))).toEqual(['constructor'])
})

it('UI-1402: sample claims hold the field with values of the mapping', () => {
  expect(JSON.parse(sampleClaims('teams', { a: [], b: [], c: [] }))).toEqual({ teams: ['a', 'b'] })
  expect(JSON.parse(sampleClaims('', {}))).toEqual({ groups: ['example'] })
})

it('claims are an object, or left out', () => {
  expect(readClaims(' ')).toEqual({ ok: true, claims: undefined })
  expect(readClaims('{"a":1}')).toEqual({ ok: true, claims: { a: 1 } })
  for (const text of ['[]', '7', 'null', '{']) expect(readClaims(text)).toEqual({ ok: false })
})
