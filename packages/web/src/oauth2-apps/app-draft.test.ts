import { describe, expect, it } from 'vitest'

import type { OAuth2ProviderApp } from '@slipway/contract'
import { ApiError } from '../api/http.ts'
import { draftOf, isSameDraft, NEW_APP, requestOf, uriFault } from './app-draft.ts'

const APP: OAuth2ProviderApp = {
  id: '3b7a2f9e-7a0c-4b57-9d3e-0c6c6d1f5a11',
  name: 'backstage',
  icon: '/icon/code.svg',
  callback_url: 'https://backstage.example/cb',
  redirect_uris: ['https://backstage.example/cb', 'myapp://callback'],
  endpoints: { authorization: '', token: '', token_revoke: '', device_authorization: '' },
  client_type: 'confidential',
  dynamically_registered: false,
  metadata_url: '',
  client_uri: '',
  scope: '',
  require_pushed_authorization_requests: false,
  remember_consent: true,
  created_at: '2026-01-01T00:00:00Z',
}

describe('the form of an app', () => {
  it('OA-B9: sends what it was given, the callback URL apart from the others', () => {
    expect(requestOf(draftOf(APP))).toEqual({
      name: 'backstage',
      icon: '/icon/code.svg',
      callback_url: 'https://backstage.example/cb',
      redirect_uris: ['myapp://callback'],
      scope: '',
      remember_consent: true,
      require_pushed_authorization_requests: false,
    })
    expect(draftOf({ ...APP, scope: 'workspace:read template:read' }).scopes).toEqual([
      'workspace:read',
      'template:read',
    ])
  })

  it('leaves out empty lines, and finds the faults of the others', () => {
    const uris = ['', ' https://a.example/cb ', '', 'javascript:alert(1)']
    const draft = { ...NEW_APP, redirectUris: uris.map((uri, key) => ({ key, uri })) }
    const { callback_url, redirect_uris } = requestOf(draft)
    expect([callback_url, redirect_uris]).toEqual(['https://a.example/cb', ['javascript:alert(1)']])
    const refused = new ApiError({
      status: 400,
      message: 'Validation failed.',
      detail: undefined,
      validations: [{ field: 'redirect_uris.0', detail: 'uses a dangerous scheme' }],
      requestId: undefined,
      retryAfter: undefined,
      body: undefined,
    })
    expect([0, 1, 2, 3].map((key) => uriFault(draft, key, refused))).toEqual([
      undefined,
      undefined,
      undefined,
      'uses a dangerous scheme',
    ])
  })

  it('UI-505: knows whether something was changed', () => {
    const draft = draftOf(APP)
    expect(
      isSameDraft(draft, { ...draft, redirectUris: [...draft.redirectUris, { key: 9, uri: ' ' }] }),
    ).toBe(true)
    expect(isSameDraft(draft, { ...draft, scopes: ['workspace:read'] })).toBe(false)
  })
})
