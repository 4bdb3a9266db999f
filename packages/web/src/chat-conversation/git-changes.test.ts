import { expect, it } from 'vitest'

import { merged } from './use-git-changes.ts'

const repository = (root: string, diff?: string) => ({
  repo_root: root,
  branch: 'main',
  ...(diff === undefined ? {} : { unified_diff: diff }),
})

it('UI-1142: a repository that becomes clean stays listed, one that is gone goes', () => {
  const known = merged([], [repository('/b', 'x'), repository('/a', 'y')])
  expect(known.map(({ repo_root: root }) => root)).toEqual(['/a', '/b'])
  const clean = merged(known, [repository('/a')])
  expect(clean[0]?.unified_diff).toBeUndefined()
  expect(merged(clean, [{ ...repository('/b'), removed: true }])).toHaveLength(1)
})
