export type { ClientAuthentication } from './client-authentication.ts'
export { type FlowClient, type FlowResult, followFlow, type RedirectTarget, requireBegun } from './flow.ts'
export {
  exchangeCode,
  exchangeDeviceCode,
  refreshTokens,
  type TokenClient,
  TokenEndpointError,
  type TokenSender,
  type TokenSet,
} from './token-endpoint.ts'
