export { ReplicaRegistration } from './registration.ts'
export { RELAY_TOKEN_HEADER, RelayTokens } from './relay-tokens.ts'
export { replicaRoutes } from './routes.ts'
export { findRelayAddress, isOnlyMachine, listRelayAddresses, relayAddressOf } from './store.ts'
