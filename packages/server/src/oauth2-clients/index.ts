export { ClientDocumentUnreached } from './client-documents.ts'
export {
  newOAuthSecret,
  oauthSecretMatches,
  parseOAuthSecret,
} from './client-secret.ts'
export { endpointOf, issuerOf } from './endpoints.ts'
export { type ClientRequest, OAuthClients, type PresentedClient } from './oauth-clients.ts'
export { isDangerousScheme, matchesRedirectUri } from './redirect-uris.ts'
export { oauthClientRoutes } from './routes.ts'
export { allowedScopes, parseScopes } from './scopes.ts'
export { markClientAuthorized, type OAuthClient } from './store/clients.ts'
export { readOAuthSettings } from './store/settings.ts'
export { unusedClientsJob } from './unused-clients.ts'
