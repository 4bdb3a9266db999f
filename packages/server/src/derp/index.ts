export { mountRelay } from './mount-relay.ts'
export { DerpRelay } from './relay.ts'
export { derpMap, RelayMap, type RelaySettings } from './relay-map.ts'
export { derpRoutes } from './routes.ts'
