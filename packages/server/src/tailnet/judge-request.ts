import { type CoordinateRequest, encodeMessage, NodeSchema } from '@slipway/drpc'
import { idOf } from './peer-update.ts'

/** First bytes of the addresses of agents and clients, and of those in the network of desktop clients (AC-147). */
const PREFIXES = ['fd7a115ca1e0', 'fd60627aa42b'] as const
/** What every agent of a long time ago had as its address. */
const LEGACY_AGENT = 'fd7a115ca1e049d6b259b7acb1b248f4'

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
 * @param isAgentAddress whether an address, 32 hexadecimal digits, is that of an agent which is known here.
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
      const allowed = [...PREFIXES.map((prefix) => addressOf(prefix, authority.agentId)), LEGACY_AGENT]
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

/** Both addresses of an agent, 32 hexadecimal digits each (AC-147). */
export function agentAddresses(agentId: string): readonly string[] {
  return PREFIXES.map((prefix) => addressOf(prefix, agentId))
}

function addressOf(prefix: string, id: string): string {
  return prefix + id.replaceAll('-', '').slice(12).toLowerCase()
}

/** The 32 hexadecimal digits of an IPv6 address with `/128` behind it; undefined for anything else. */
function parseSingle(text: string): string | undefined {
  if (!text.endsWith('/128') || text.length > 64) return undefined
  let host: string
  try {
    // The URL parser writes each address in one way.
    host = new URL(`http://[${text.slice(0, -'/128'.length)}]`).hostname
  } catch {
    return undefined
  }
  const [head = '', tail] = host.slice(1, -1).split('::')
  const groups = (part: string | undefined): string[] =>
    part === undefined || part === '' ? [] : part.split(':')
  const before = groups(head)
  const after = groups(tail)
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return all.length === 8 ? all.map((group) => group.padStart(4, '0')).join('') : undefined
}
