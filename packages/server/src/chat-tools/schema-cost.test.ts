import { expect, it } from 'vitest'

import { isCheapSchema } from './schema-cost.ts'

it('CH-1101: arguments are checked here only against schemas that cannot keep the server busy', () => {
  const properties = { pattern: { type: 'string' }, list: { type: 'array', items: { enum: ['a', 1] } } }
  expect(isCheapSchema({ type: 'object', properties, required: ['pattern'] })).toBe(true)
  expect(isCheapSchema({ properties: { a: { type: 'string', pattern: '(a+)+$' } } })).toBe(false)
  expect(isCheapSchema({ patternProperties: { '(a+)+$': {} } })).toBe(false)
  const halves = (to: string) => ({ allOf: [{ $ref: to }, { $ref: to }] })
  expect(isCheapSchema({ $defs: { a: halves('#/$defs/b'), b: halves('#/$defs/a') } })).toBe(false)
  expect(isCheapSchema({ items: { uniqueItems: true } })).toBe(false)
  let deep: object = {}
  for (let i = 0; i < 10_000; i += 1) deep = { not: deep }
  expect(isCheapSchema(deep)).toBe(false)
  expect(isCheapSchema({ anyOf: Array.from({ length: 3_000 }, () => ({})) })).toBe(false)
})
