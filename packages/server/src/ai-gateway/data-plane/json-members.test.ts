import fc from 'fast-check'
import { expect, it } from 'vitest'

import { editMembers } from './json-members.ts'

it.each([
  ['{}', '{"n":1}'],
  ['{ }', '{ "n":1}'],
  ['{"a":1.0, "b" : [1,{"n":2}]}', '{"a":1.0, "b" : [1,{"n":2}],"n":1}'],
  ['{"n": 7,"x":"\\"n\\":2}"}', '{"n": 1,"x":"\\"n\\":2}"}'],
  ['{"a":"\\\\","n":null , "b":1e5}', '{"a":"\\\\","n":1 , "b":1e5}'],
])('AG-20: a member is set, and all else of %s stays', (before, after) => {
  expect(editMembers(before, { n: () => '1' })).toBe(after)
})

it.each([
  ['{"n":1}', '{}'],
  ['{"n":1,"a":2}', '{"a":2}'],
  ['{"a":2, "n":[1,2]}', '{"a":2}'],
  ['{"a":2,"n":{"b":1},"c":3}', '{"a":2,"c":3}'],
])('AG-27: a member is taken out of %s', (before, after) => {
  expect(editMembers(before, { n: undefined })).toBe(after)
})

it('AG-20: whatever the object is, only what is named changes', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue()).filter((value) => !('__proto__' in value))
  fc.assert(
    fc.property(object, fc.boolean(), (value, spaced) => {
      const text = JSON.stringify(value, undefined, spaced ? 2 : undefined)
      const { n: _n, ...rest } = value
      expect(JSON.parse(editMembers(text, { n: () => '1' }))).toEqual({
        ...JSON.parse(JSON.stringify(rest)),
        n: 1,
      })
      expect(JSON.parse(editMembers(text, { n: undefined }))).toEqual(JSON.parse(JSON.stringify(rest)))
    }),
  )
})
