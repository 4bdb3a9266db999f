export { ReplicaRegistration } from './registration.ts'
export { RelayTokens } from './relay-tokens.ts'
export { findRelayAddress } from './store.ts'
