export type { ClientAuthentication } from './client-authentication.ts'
export { type FlowClient, type FlowResult, followFlow, type RedirectTarget } from './flow.ts'
export {
  exchangeDeviceCode,
  refreshTokens,
  TokenEndpointError,
  type TokenSet,
} from './token-endpoint.ts'
