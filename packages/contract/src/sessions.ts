import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { LoginType } from './users.ts'

const tag = 'Users'

/** A browser or command line that is signed in (ID-210); `id` is that of its key. */
export const Session = Type.Object({
  id: Type.String(),
  user_id: Uuid,
  login_type: LoginType,
  created_at: Time,
  /** `0001-01-01T00:00:00Z` when it was never used. */
  last_used: Time,
  expires_at: Time,
  ip_address: Type.String(),
  user_agent: Type.String(),
  /** Whether this is the session that asks. */
  current: Type.Boolean(),
})
export type Session = Static<typeof Session>

export const listSessions = route('GET /api/v2/users/{user}/sessions', {
  id: 'get-user-sessions',
  tag,
  responses: { 200: Type.Array(Session) },
})

export const deleteSession = route('DELETE /api/v2/users/{user}/sessions/{keyid}', {
  id: 'delete-user-session',
  tag,
  responses: { 204: null },
})

/** Ends all sessions of a user but the one that asks. */
export const deleteOtherSessions = route('DELETE /api/v2/users/{user}/sessions', {
  id: 'delete-other-user-sessions',
  tag,
  responses: { 204: null },
})

/** What wrong passwords have led to (ID-209). */
export const SignInDelay = Type.Object({
  /** Wrong passwords since the last right one, or since they were forgotten. */
  failures: Type.Integer(),
  /** Until when sign-ins are refused; absent when they are not. */
  delayed_until: Type.Optional(Time),
})
export type SignInDelay = Static<typeof SignInDelay>

export const getSignInDelay = route('GET /api/v2/users/{user}/sign-in-delay', {
  id: 'get-user-sign-in-delay',
  tag,
  responses: { 200: SignInDelay },
})

export const resetSignInDelay = route('DELETE /api/v2/users/{user}/sign-in-delay', {
  id: 'reset-user-sign-in-delay',
  tag,
  responses: { 204: null },
})
