import * as contract from '@slipway/contract'
import { type BoundRoute, forSession } from '../edge/index.ts'
import type { RelayMap } from './relay-map.ts'

/** Where clients of earlier releases ask for relays. */
export function derpRoutes(map: RelayMap): BoundRoute[] {
  return [
    forSession(contract.watchDerpMap, async ({ upgrade }) => {
      const socket = await upgrade()
      // It stays the same until the server starts anew, which ends the connection.
      socket.send(Buffer.from(JSON.stringify(map.settings.derp_map)))
      return undefined
    }),
  ]
}
