import { type Static, Type } from 'typebox'

import { route } from './route.ts'

export const AppHostResponse = Type.Object({
  host: Type.String(),
})
export type AppHostResponse = Static<typeof AppHostResponse>

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
  responses: { 303: null, 307: null },
})
