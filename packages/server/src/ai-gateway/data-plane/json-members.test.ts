import fc from 'fast-check'
import { expect, it } from 'vitest'

import { requestFacts } from '../wires/request-facts.ts'
import { editForGoogle } from './edit-request.ts'
import { editElements, editMembers } from './json-members.ts'
import { wantsSignatures } from './thought-signatures.ts'

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
  ['{"a":2 , "n":1,"n":2}', '{"a":2}'],
  ['{ "n":1,"n":2 }', '{  }'],
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

it('AG-20, AG-47: several members are taken out wherever they stand, set, or named twice', () => {
  const member = fc.tuple(fc.constantFrom('a', 'b', 'n', 'm', 'o'), fc.jsonValue())
  fc.assert(
    fc.property(fc.array(member), fc.boolean(), (members, spaced) => {
      const written = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      const text = spaced ? `{ ${written.join(' , ')} }` : `{${written.join(',')}}`
      const { n: _n, m: _m, ...rest } = JSON.parse(text)
      expect(JSON.parse(editMembers(text, { n: undefined, m: undefined }))).toEqual(rest)
      const set = { n: undefined, o: () => '1', m: undefined, p: () => '2' }
      expect(JSON.parse(editMembers(text, set))).toEqual({ ...rest, o: 1, p: 2 })
    }),
  )
})

it('AG-20: whatever the array is, only the element that is meant changes', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.nat(), fc.boolean(), (values, nat, spaced) => {
      const meant = nat % values.length
      const edited = editElements(
        JSON.stringify(values, undefined, spaced ? 2 : undefined),
        (element, index) => (index === meant ? '"here"' : element),
      )
      expect(JSON.parse(edited)).toEqual(JSON.parse(JSON.stringify(values.with(meant, 'here'))))
    }),
  )
})

it('AG-32: calls of the current turn without a signature get the one that Google documents, all else stays', () => {
  const call = (id: string, more = '') => `{"id":"${id}", "type":"function"${more}}`
  const signature = '"thought_signature":"skip_thought_signature_validator"'
  const body = (calls: readonly string[]) =>
    `{"extra_body": {"x":1.0},"messages":[{"role":"user"},{"role":"assistant","tool_calls":[${call('old')}]},` +
    `{"role":"user","content":"go"}, {"role":"assistant","tool_calls": [${calls.join(' , ')}]},{"role":"tool"}],"model":"g"}`
  const signed = call('signed', ',"extra_content":{"google":{"thought_signature":"theirs"}}')
  const sent = body([call('a'), signed, call('b', ',"extra_content":{"google":{"y":2}}')])
  const edit = (text: string): string => {
    const facts = requestFacts('chat', '/chat/completions', Buffer.from(text))
    if (facts === undefined) throw new Error('not a request')
    return Buffer.from(editForGoogle('chat', Buffer.from(text), facts)).toString()
  }
  const expected = body([
    call('a', `,"extra_content":{"google":{${signature}}}`),
    signed,
    call('b', `,"extra_content":{"google":{"y":2,${signature}}}`),
  ])
  expect(edit(sent)).toBe(expected)
  expect(edit(expected)).toBe(expected)
})

it.each([
  ['https://generativelanguage.googleapis.com/v1beta/openai/', true],
  ['https://generativelanguage.googleapis.com/v1beta/', false],
  ['https://models.example/generativelanguage.googleapis.com/openai', false],
  ['https://api.openai.com/v1', false],
  ['generativelanguage.googleapis.com/openai', false],
])('AG-32: %s is Google speaking like OpenAI: %s', (baseUrl, expected) => {
  expect(wantsSignatures({ baseUrl })).toBe(expected)
})
