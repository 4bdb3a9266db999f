import { expect, it } from 'vitest'

import { parsePartialJson } from './partial-json.ts'

it.each([
  ['', undefined],
  ['{"a":1}', { a: 1 }],
  ['{"command":"npm te', { command: 'npm te' }],
  ['{"command":"a\\', { command: 'a' }],
  ['{"command":"a\\u00', { command: 'a' }],
  ['{"a":1,"b', { a: 1 }],
  ['{"a":1,"b":', { a: 1 }],
  ['{"a":[1,2,{"b":"c"', { a: [1, 2, { b: 'c' }] }],
  ['{"a":tr', {}],
])('UI-1137: arguments that are still coming: %j', (text, value) => {
  expect(parsePartialJson(text)).toEqual(value)
})
