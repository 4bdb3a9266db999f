import { type CoordinateRequest, encodeMessage, NodeSchema } from '@slipway/drpc'
import { addressesOf, formatAddress, parseAddress } from '@slipway/tailnet/addresses'
import { idOf } from './peer-update.ts'

/** How the addresses of agents and clients begin, and those in the network of desktop clients (AC-147). */
const PREFIXES = ['fd7a:115c:a1e0:', 'fd60:627a:a42b:'] as const
/** What every agent of a long time ago had as its address. */
const LEGACY_AGENT = 'fd7a:115c:a1e0:49d6:b259:b7ac:b1b2:48f4'

/** It is kept, and sent to each partner. */
const MAX_NODE_BYTES = 64 * 1024

/** Who sends requests to the coordinator, and so what they may say (AC-141). */
export type Authority = { readonly kind: 'agent'; readonly agentId: string } | UserAuthority

/** A user, whose rights may change while they are connected. */
export interface UserAuthority {
  readonly kind: 'user'
  /** Whether the user may open an SSH session there now. */
  readonly mayReach: (agentId: string) => Promise<boolean>
  /** Whether the user may be connected at all now. */
  readonly mayStay: () => Promise<boolean>
}

/**
 * Judges a request to the coordinator (AC-141, AC-313).
 *
 * @param isAgentAddress whether an address, in full, is that of an agent which is known here.
 * @returns why it is refused, which ends the connection; undefined when it may be carried out.
 */
export async function judgeRequest(
  authority: Authority,
  request: CoordinateRequest,
  isAgentAddress: (address: string) => boolean,
): Promise<string | undefined> {
  const { updateSelf, addTunnel, removeTunnel, readyForHandshake } = request
  for (const tunnel of [addTunnel, removeTunnel, ...readyForHandshake])
    if (tunnel !== undefined && idOf(tunnel.id) === undefined) return 'ids of peers have 16 bytes'
  if (updateSelf?.node !== undefined && encodeMessage(NodeSchema, updateSelf.node).length > MAX_NODE_BYTES)
    return `a node has ${MAX_NODE_BYTES} bytes at most`
  const own = [...(updateSelf?.node?.addresses ?? []), ...(updateSelf?.node?.allowedIps ?? [])]
  switch (authority.kind) {
    case 'agent': {
      if (addTunnel !== undefined) return 'agents may not add tunnels'
      const allowed = [...addressesOf(authority.agentId), LEGACY_AGENT]
      const foreign = own.find((text) => !allowed.includes(parseSingle(text) ?? ''))
      return foreign === undefined ? undefined : `${foreign} is not an address of this agent`
    }
    case 'user': {
      if (readyForHandshake.length > 0) return 'clients are not ready for handshakes'
      for (const text of own) {
        const address = parseSingle(text)
        if (address === undefined || !PREFIXES.some((prefix) => address.startsWith(prefix)))
          return `${text} is not a single address of this network`
        if (isAgentAddress(address)) return `${text} belongs to somebody else`
      }
      const target = addTunnel === undefined ? undefined : idOf(addTunnel.id)
      if (target !== undefined && !(await authority.mayReach(target)))
        return 'you may not connect to this agent, or it does not exist'
      return undefined
    }
  }
}

/** A single address in full, from its text with `/128` behind it; undefined for anything else. */
function parseSingle(text: string): string | undefined {
  if (!text.endsWith('/128')) return undefined
  try {
    return formatAddress(parseAddress(text))
  } catch {
    return undefined
  }
}
