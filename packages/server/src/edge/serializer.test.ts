import fastJsonStringify from 'fast-json-stringify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect, it } from 'vitest'

import { routes } from '@slipway/contract'
import { lastingAnswer, quoted, serializer } from './serializer.ts'

it('answers hold what their schema names, and nothing else', () => {
  const write = serializer(Type.Object({ name: Type.String(), at: Type.Optional(Type.Integer()) }))
  expect(write({ name: 'a"b', secret: 'x' })).toBe('{"name":"a\\"b"}')
})

it('flags are written by whatever name, and what only some names may have by those', () => {
  const flags = serializer(Type.Record(Type.String(), Type.Boolean()))
  expect(flags({ 'a"b': true, 'c\nd': false })).toBe('{"a\\"b":true,"c\\nd":false}')
  expect(serializer(Type.Record(Type.String(), Type.String()))({ a: 'b' })).toBe('{"a":"b"}')
  expect(serializer(Type.Record(Type.String({ pattern: '^a' }), Type.Boolean()))({ a: true, b: true })).toBe(
    '{"a":true}',
  )
})

it('an answer that lasts is written once for each schema, and any other every time', () => {
  const schema = Type.Object({ name: Type.String() })
  const write = serializer(schema)
  const other = serializer(Type.Object({ at: Type.Integer() }))
  const lasting = lastingAnswer({ name: 'before', at: 1 })
  const passing = { name: 'before' }
  expect([write(lasting), write(passing)]).toEqual(['{"name":"before"}', '{"name":"before"}'])
  // Nobody does that to an answer that lasts; here it shows what was written when.
  lasting.name = 'after'
  passing.name = 'after'
  expect([write(lasting), write(passing)]).toEqual(['{"name":"before"}', '{"name":"after"}'])
  expect(other(lasting)).toBe('{"at":1}')
  expect(write(lasting)).toBe('{"name":"after"}')
})

it('the JSON of an answer as a string in JSON is that of its latest text', () => {
  const write = serializer(Type.Object({ name: Type.String() }))
  const other = serializer(Type.Object({ at: Type.Integer() }))
  const lasting = lastingAnswer({ name: '"a"', at: 1 })
  for (const answer of [lasting, lasting, { name: '"a"' }])
    expect(JSON.parse(quoted(answer, write(answer)))).toBe('{"name":"\\"a\\""}')
  expect(JSON.parse(quoted(lasting, other(lasting)))).toBe('{"at":1}')
  expect(JSON.parse(quoted(lasting, '[]'))).toBe('[]')
})

it('every schema of the contract compiles, since that happens with its first request only', () => {
  expect(routes.length).toBeGreaterThan(300)
  for (const { id, responses, body, query } of routes) {
    for (const schema of Object.values(responses))
      if (schema !== null) expect(() => fastJsonStringify(schema), id).not.toThrow()
    if (body !== undefined) expect(() => Compile(body), id).not.toThrow()
    if (query !== undefined) expect(() => Compile(query), id).not.toThrow()
  }
})
