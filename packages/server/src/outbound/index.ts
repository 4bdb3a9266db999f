export { AddressGuard } from './address-guard.ts'
export { type GuardedCall, GuardedFetch } from './guarded-fetch.ts'
export { type CallSource, isRateLimited, Outbound, OutboundError } from './outbound.ts'
