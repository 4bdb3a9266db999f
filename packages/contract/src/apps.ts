import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { route } from './route.ts'

export const AppHostResponse = Type.Object({
  host: Type.String(),
})
export type AppHostResponse = Static<typeof AppHostResponse>

export const IssueReconnectingPTYSignedTokenRequest = Type.Object({
  agentID: Uuid,
  url: Type.String(),
})
export type IssueReconnectingPTYSignedTokenRequest = Static<typeof IssueReconnectingPTYSignedTokenRequest>

export const IssueReconnectingPTYSignedTokenResponse = Type.Object({
  signed_token: Type.String(),
})
export type IssueReconnectingPTYSignedTokenResponse = Static<typeof IssueReconnectingPTYSignedTokenResponse>

export const getAppHost = route('GET /api/v2/applications/host', {
  id: 'get-applications-host',
  tag: 'Applications',
  responses: { 200: AppHostResponse },
})

export const appAuthRedirect = route('GET /api/v2/applications/auth-redirect', {
  id: 'redirect-to-uri-with-encrypted-api-key',
  tag: 'Applications',
  query: Type.Object({
    redirect_uri: Type.Optional(Type.String()),
  }),
  responses: { 307: null },
})

export const issuePtyToken = route('POST /api/v2/applications/reconnecting-pty-signed-token', {
  id: 'issue-signed-app-token-for-reconnecting-pty',
  tag: 'Applications',
  body: IssueReconnectingPTYSignedTokenRequest,
  responses: { 200: IssueReconnectingPTYSignedTokenResponse },
})
