import { describe, expect, it } from 'vitest'

import { rowChecks } from './row-checks.ts'

const ME = 'me-id'
const row = (id: number, template: number, owner = ME) => ({
  id: `w${id}`,
  owner_id: owner,
  organization_id: 'o',
  template_id: `t${template}`,
})
const stored = (request: ReturnType<typeof rowChecks>['requests'][number]) =>
  Object.values(request).filter(({ object }) => object.resource_id !== undefined).length

describe('questions about a page of workspaces', () => {
  it('UI-702: are one request for one’s own, each template asked about once', () => {
    const rows = Array.from({ length: 25 }, (_, index) => row(index, index % 10))
    const { requests, requestsOf } = rowChecks(rows, ME)
    expect(requests).toHaveLength(1)
    expect(Object.keys(requests[0] ?? {})).toHaveLength(35)
    expect(requests[0]?.['w3/updateWorkspace']).toEqual({
      action: 'update',
      object: { resource_type: 'workspace', owner_id: ME, organization_id: 'o' },
    })
    expect(rows.every((one) => requestsOf(one).join() === '0')).toBe(true)
  })

  it('UI-312, RB-81: those of others are asked about by id, no request by more of them than are taken', () => {
    const rows = Array.from({ length: 25 }, (_, index) => row(index, index % 3, 'somebody'))
    const { requests, requestsOf, read } = rowChecks(rows, ME)
    expect(requests.map(stored)).toEqual([10, 10, 8])
    for (const one of rows) {
      // Whatever is said about a row is in the requests that are made for it.
      const asked = requestsOf(one).flatMap((index) => Object.keys(requests[index] ?? {}))
      expect(asked).toContain(`${one.id}/updateWorkspace`)
      expect(asked).toContain(`${one.template_id}/updateTemplate`)
    }
    const last = rows[24] ?? row(0, 0)
    expect(requestsOf(last)).toEqual([0, 2])
    expect(read(last, { 'w24/updateWorkspace': true })).toEqual({
      updateWorkspace: true,
      updateTemplate: false,
    })
  })

  it('UI-702: a page without rows asks nothing', () => {
    expect(rowChecks([], ME).requests).toEqual([{}])
  })
})
