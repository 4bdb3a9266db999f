import { describe, expect, it } from 'vitest'

import type { MCPServerConfig } from '@slipway/contract'
import {
  changeOf,
  creationOf,
  draftOf,
  endsConnections,
  isOffered,
  isSameServer,
  NEW_SERVER,
  suggestedSlug,
  withTool,
} from './server-draft.ts'

const SERVER: MCPServerConfig = {
  id: '0d6a5a0e-6f5e-4a51-8f0e-2f3f8f0e7a11',
  organization_id: '0d6a5a0e-6f5e-4a51-8f0e-2f3f8f0e7a12',
  display_name: 'Tracker',
  slug: 'tracker',
  description: '',
  icon_url: '',
  transport: 'streamable_http',
  url: 'https://mcp.example/mcp',
  auth_type: 'oauth2',
  oauth2_client_id: 'abc',
  has_oauth2_secret: true,
  oauth2_auth_url: 'https://id.example/authorize',
  oauth2_token_url: 'https://id.example/token',
  oauth2_revocation_url: '',
  oauth2_scopes: 'read',
  oauth2_issuer: 'https://id.example',
  api_key_header: '',
  has_api_key: false,
  has_custom_headers: false,
  tool_allow_list: [],
  tool_deny_list: ['drop'],
  availability: 'default_on',
  enabled: true,
  model_intent: false,
  allow_in_plan_mode: false,
  forward_coder_headers: false,
  auth_connected: false,
  health: {
    status: 'unknown',
    checked_at: null,
    latency_ms: 0,
    tool_count: 0,
    error: '',
    consecutive_failures: 0,
  },
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
}

describe('the form of an MCP server', () => {
  it('OA-106: keeps what was discovered, unless it is looked for anew or the address is another', () => {
    const draft = draftOf(SERVER)
    expect(draft.discover).toBe(true)
    expect(changeOf(draft, SERVER)).not.toHaveProperty('oauth2_client_id')
    expect(changeOf({ ...draft, rediscover: true }, SERVER)).toMatchObject({ oauth2_client_id: '' })
    expect(changeOf({ ...draft, url: 'https://other.example' }, SERVER)).toMatchObject({
      oauth2_auth_url: '',
    })
    expect(changeOf(draftOf({ ...SERVER, oauth2_issuer: '' }), SERVER)).toMatchObject({
      oauth2_client_id: 'abc',
    })
  })

  it('OA-106: knows when everybody has to connect again', () => {
    const draft = draftOf(SERVER)
    expect(endsConnections(draft, { ...draft, description: 'Issues', oauth2_scopes: 'read write' })).toBe(
      false,
    )
    expect(endsConnections(draft, { ...draft, url: 'https://other.example' })).toBe(true)
    expect(endsConnections(draft, { ...draft, auth_type: 'none' })).toBe(true)
    expect(endsConnections(draft, { ...draft, rediscover: true })).toBe(true)
  })

  it('OA-103: sends only the secrets that were given, and only those of its type', () => {
    const key = { ...NEW_SERVER, auth_type: 'api_key', oauth2_client_secret: 'x' } as const
    expect(creationOf(key)).not.toHaveProperty('api_key_value')
    expect(creationOf({ ...key, api_key_value: 'k' })).toMatchObject({
      api_key_header: 'Authorization',
      api_key_value: 'k',
    })
    expect(creationOf({ ...key, api_key_value: 'k' })).not.toHaveProperty('oauth2_client_secret')
    const headers = [
      { key: 0, name: ' X-Team ', value: 'a' },
      { key: 1, name: '', value: '' },
    ]
    expect(creationOf({ ...NEW_SERVER, auth_type: 'custom_headers', headers })).toMatchObject({
      custom_headers: { 'X-Team': 'a' },
    })
    expect(
      draftOf({ ...SERVER, auth_type: 'custom_headers', has_custom_headers: true }).headers,
    ).toBeUndefined()
    expect(isSameServer(draftOf(SERVER), { ...draftOf(SERVER), slug: ' tracker ' })).toBe(true)
  })

  it('OA-115: denying wins over allowing, and a list of allowed tools leaves out the others', () => {
    expect(isOffered({ allow: '', deny: '' }, 'a')).toBe(true)
    expect(isOffered({ allow: 'a, b', deny: 'b' }, 'b')).toBe(false)
    expect(isOffered({ allow: 'a\nb', deny: '' }, 'c')).toBe(false)
  })

  it('turns single tools off and on again', () => {
    expect(withTool({ allow: '', deny: '' }, 'a', false)).toEqual({ allow: '', deny: 'a' })
    expect(withTool({ allow: '', deny: 'a' }, 'a', true)).toEqual({ allow: '', deny: '' })
    expect(withTool({ allow: 'a\nb', deny: '' }, 'a', false)).toEqual({ allow: 'b', deny: '' })
    expect(withTool({ allow: 'a', deny: '' }, 'a', false)).toEqual({ allow: 'a', deny: 'a' })
    expect(withTool({ allow: 'b', deny: 'a' }, 'a', true)).toEqual({ allow: 'b\na', deny: '' })
    for (const lists of [
      { allow: 'a', deny: '' },
      { allow: 'b', deny: 'a' },
      { allow: '', deny: '' },
    ])
      for (const offered of [true, false]) expect(isOffered(withTool(lists, 'a', offered), 'a')).toBe(offered)
  })

  it('makes a slug of a name', () => {
    expect(suggestedSlug(' Acme: Issue Tracker (EU) ')).toBe('acme-issue-tracker-eu')
  })
})
