import { describe, expect, it } from 'vitest'

import type { OAuth2ProviderGrant } from '@slipway/contract'
import { byApp, reachOf } from './grants.ts'

const grant = (id: string, app: string, used: string, first: string): OAuth2ProviderGrant => ({
  id,
  app_id: app,
  app_name: app,
  app_icon: '',
  self_registered: false,
  scopes: ['coder:all'],
  resource: '',
  first_authorized_at: first,
  created_at: first,
  last_used_at: used,
  ip_address: '192.0.2.1',
})

describe('OA-B10: what somebody has granted', () => {
  it('is shown by app, what was used last first', () => {
    const apps = byApp([
      grant('a', 'editor', '2026-01-03T00:00:00.000Z', '2026-01-02T00:00:00.000Z'),
      grant('b', 'portal', '2026-01-05T00:00:00.000Z', '2026-01-01T00:00:00.000Z'),
      grant('c', 'editor', '2026-01-09T00:00:00.000Z', '2026-01-01T00:00:00.000Z'),
    ])
    expect(
      apps.map(({ id, firstAuthorizedAt, grants }) => [
        id,
        firstAuthorizedAt,
        ...grants.map((one) => one.id),
      ]),
    ).toEqual([
      ['editor', '2026-01-01T00:00:00.000Z', 'c', 'a'],
      ['portal', '2026-01-01T00:00:00.000Z', 'b'],
    ])
    expect(byApp([])).toEqual([])
  })

  it('says what its tokens are good for', () => {
    const path = '/api/experimental/mcp/http'
    expect(reachOf('', path)).toBe('This deployment')
    expect(reachOf(`https://dev.example${path}`, path)).toBe('The MCP server only')
    expect(reachOf('https://other.example', path)).toBe('https://other.example')
  })
})
