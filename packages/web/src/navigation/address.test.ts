import fc from 'fast-check'
import { expect, it } from 'vitest'

import { parseSearch, stringifySearch } from './address.ts'

it('UI-403: + and %20 both mean space', () => {
  expect(parseSearch('?filter=owner:me+status:running')).toEqual({ filter: 'owner:me status:running' })
  expect(parseSearch('?filter=owner%3Ame%20status:running')).toEqual({ filter: 'owner:me status:running' })
})

it('UI-1: values stay texts, and what is empty leaves the address', () => {
  expect(parseSearch('?page=2&param.size=010&param.on=true')).toEqual({
    page: '2',
    'param.size': '010',
    'param.on': 'true',
  })
  expect(stringifySearch({ page: '2', filter: '', name: undefined })).toBe('?page=2')
})

it('UI-1: an address survives the round trip', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })), (search) => {
      expect(parseSearch(stringifySearch(search))).toEqual({ ...search })
    }),
  )
})
