import { expect, it } from 'vitest'

import { RESOURCE_ACTIONS } from '../../../web/src/deployment/resource-actions.ts'
import { RESOURCES } from './resources.ts'

it('RB-16: the dashboard offers the actions that exist on each type of resource, and no others', () => {
  const sorted = (catalogue: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(
      Object.entries(catalogue)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([type, actions]) => [type, actions.toSorted()]),
    )
  expect(sorted(RESOURCE_ACTIONS)).toEqual(sorted(RESOURCES))
})
