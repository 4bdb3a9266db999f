import { type Static, Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Enterprise'
const FORM = ['application/x-www-form-urlencoded'] as const

/** The grant type of the device flow (RFC 8628 section 3.4). */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** What a device shows its user, and what it polls with (RFC 8628 section 3.2). */
export const OAuth2DeviceAuthorizationResponse = Type.Object({
  device_code: Type.String(),
  /** Eight letters with a hyphen in the middle. */
  user_code: Type.String(),
  verification_uri: Type.String(),
  verification_uri_complete: Type.String(),
  /** Seconds. */
  expires_in: Type.Integer(),
  /** Seconds between two polls, at least. */
  interval: Type.Integer(),
})
export type OAuth2DeviceAuthorizationResponse = Static<typeof OAuth2DeviceAuthorizationResponse>

export const authorizeOAuth2Device = route('POST /oauth2/device', {
  id: 'oauth2-device-authorization',
  tag,
  security: 'none',
  consumes: FORM,
  errors: 'oauth',
  responses: { 200: OAuth2DeviceAuthorizationResponse },
})

export const showOAuth2DevicePage = route('GET /oauth2/device', {
  id: 'oauth2-device-page',
  tag,
  security: 'none',
  query: Type.Object({ user_code: Type.Optional(Type.String()) }),
  responses: { 200: null },
})

export const verifyOAuth2UserCode = route('POST /oauth2/device/verify', {
  id: 'oauth2-device-verify-user-code',
  tag,
  security: 'none',
  consumes: FORM,
  responses: { 200: null },
})

export const decideOAuth2Device = route('POST /oauth2/device/decision', {
  id: 'oauth2-device-decision',
  tag,
  security: 'none',
  consumes: FORM,
  responses: { 200: null },
})
