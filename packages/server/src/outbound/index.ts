export { type CallSource, isRateLimited, Outbound, OutboundError } from './outbound.ts'
