import fastJsonStringify from 'fast-json-stringify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect, it } from 'vitest'

import { routes } from '@slipway/contract'
import { serializer } from './serializer.ts'

it('answers hold what their schema names, and nothing else', () => {
  const write = serializer(Type.Object({ name: Type.String(), at: Type.Optional(Type.Integer()) }))
  expect(write({ name: 'a"b', secret: 'x' })).toBe('{"name":"a\\"b"}')
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
