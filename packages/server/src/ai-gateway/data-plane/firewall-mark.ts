import type { RequestHeaders } from '../exchange/clients.ts'
import { GatewayError } from '../exchange/gateway-error.ts'

/** Where the logs of a firewall in a workspace have a request (AG-17). */
export interface FirewallMark {
  readonly sessionId: string
  /** At least 0, at most what 32 bits with a sign hold. */
  readonly sequenceNumber: number
}

const SESSION = 'x-coder-agent-firewall-session-id'
const SEQUENCE = 'x-coder-agent-firewall-sequence-number'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const MAX_SEQUENCE = 2 ** 31 - 1

/** The mark of a request; undefined without one. @throws GatewayError 400 for half a mark or a malformed one (AG-17). */
export function firewallMarkOf(headers: RequestHeaders): FirewallMark | undefined {
  const { [SESSION]: sessionId, [SEQUENCE]: sequence } = headers
  if (sessionId === undefined && sequence === undefined) return undefined
  const sequenceNumber = /^\d{1,10}$/.test(sequence ?? '') ? Number(sequence) : Number.NaN
  if (sessionId === undefined || !UUID.test(sessionId) || !(sequenceNumber <= MAX_SEQUENCE))
    throw new GatewayError(400, 'invalid_request', 'invalid agent firewall headers')
  return { sessionId, sequenceNumber }
}
