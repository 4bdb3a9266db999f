import { expect, it } from 'vitest'

import { matching, titlesOf } from './organization-titles.ts'

const ALL = [
  { id: '1', name: 'research', display_name: 'Research' },
  { id: '2', name: 'research-eu', display_name: 'Research' },
  { id: '3', name: 'sales', display_name: '' },
]

it('UI-509: equal display names are told apart by the name', () => {
  expect([...titlesOf(ALL).values()]).toEqual(['Research (research)', 'Research (research-eu)', 'sales'])
})

it('UI-509: is found by either name', () => {
  const found = (text: string) => matching(ALL, text).map(({ id }) => id)
  expect(found('')).toEqual(['1', '2', '3'])
  expect(found('RESEARCH eu')).toEqual(['2'])
  expect(found('sal')).toEqual(['3'])
  expect(found('nothing')).toEqual([])
})
