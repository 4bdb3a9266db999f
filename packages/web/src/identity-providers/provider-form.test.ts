import { expect, it } from 'vitest'

import type { IdentityProvider } from '@slipway/contract'
import {
  changeOf,
  creationOf,
  draftOf,
  listOf,
  NEW_PROVIDER,
  parametersOf,
  suggestedId,
} from './provider-form.ts'

const STORED: IdentityProvider = {
  id: 'acme',
  kind: 'oidc',
  source: 'stored',
  display_name: 'Acme',
  icon: '/icon/okta.svg',
  enabled: true,
  has_client_secret: true,
  callback_url: 'https://dev.example.com/api/v2/users/oidc/acme/callback',
  oidc: {
    issuer_url: 'https://acme.example.com',
    client_id: 'slipway',
    scopes: ['openid', 'email'],
    auth_url_params: { access_type: 'offline', prompt: 'a=b' },
    email_domains: ['acme.example.com'],
    email_domains_public: true,
    email_field: 'mail',
    username_field: 'preferred_username',
    name_field: 'name',
    allow_signups: false,
    signups_disabled_text: 'Ask Ada.',
    ignore_email_verified: true,
    ignore_userinfo: false,
    rp_initiated_logout: false,
  },
}

it('L-28: a provider that is opened and saved is the same', () => {
  const { oidc, display_name, icon, enabled } = STORED
  expect(changeOf(draftOf(STORED))).toEqual({ display_name, icon, enabled, oidc })
})

it('L-28: a secret is sent only when one was typed', () => {
  expect(changeOf(draftOf(STORED))).not.toHaveProperty('client_secret')
  expect(changeOf({ ...draftOf(STORED), client_secret: 'hush' })).toHaveProperty('client_secret', 'hush')
})

it('L-28: what is sent fits the kind', () => {
  const made = creationOf({
    ...NEW_PROVIDER,
    id: ' hub ',
    kind: 'github',
    client_id: 'x',
    allowed_orgs: 'a, b\nc',
  })
  expect(made).toMatchObject({ id: 'hub', kind: 'github', github: { allowed_orgs: ['a', 'b', 'c'] } })
  expect(made).not.toHaveProperty('oidc')
})

it('L-28: lists and parameters are read from texts', () => {
  expect(listOf(' a,b  c\nd,')).toEqual(['a', 'b', 'c', 'd'])
  expect(parametersOf('access_type=offline\n prompt = a=b \n\nflag')).toEqual({
    access_type: 'offline',
    prompt: 'a=b',
    flag: '',
  })
  expect(suggestedId('Acme SSO (new)')).toBe('acme-sso-new')
})
