import { isIPv6 } from 'node:net'

/** Bytes of an address of IPv6. */
export const ADDRESS_BYTES = 16

const PRIMARY_PREFIX = 'fd7a115ca1e0'
/** In the network of desktop clients. */
const VPN_PREFIX = 'fd60627aa42b'

/**
 * The addresses of an agent, the first one in the tailnet and the other one for desktop clients: its id with another
 * beginning (AC-147).
 *
 * @throws Error when the id is no UUID.
 */
export function addressesOf(agentId: string): readonly [string, string] {
  return [withPrefix(PRIMARY_PREFIX, agentId), withPrefix(VPN_PREFIX, agentId)]
}

function withPrefix(prefix: string, agentId: string): string {
  const digits = agentId.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(digits)) throw new Error(`"${agentId}" is no UUID: give the id of an agent`)
  return formatAddress(Buffer.from(prefix + digits.slice(prefix.length), 'hex'))
}

/** An address as text in full: eight groups without leading zeros, none left out. */
export function formatAddress(bytes: Uint8Array): string {
  const groups: string[] = []
  for (let i = 0; i < ADDRESS_BYTES; i += 2)
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16))
  return groups.join(':')
}

/**
 * The 16 bytes of one address. `/128` behind it says nothing and is allowed.
 *
 * @throws Error for anything else.
 */
export function parseAddress(text: string): Buffer {
  const bare = text.endsWith('/128') ? text.slice(0, -4) : text
  if (!isIPv6(bare) || bare.includes('.') || bare.includes('%'))
    throw new Error(`"${text}" is not one address of IPv6: peers are reached by single addresses (/128)`)
  const [head = '', tail] = bare.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const bytes = Buffer.alloc(ADDRESS_BYTES)
  before.forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2)
  })
  after.forEach((group, i) => {
    bytes.writeUInt16BE(group, ADDRESS_BYTES - (after.length - i) * 2)
  })
  return bytes
}

/** An address as a key of maps: one character for each byte. */
export function addressKey(bytes: Buffer, offset = 0): string {
  return bytes.toString('latin1', offset, offset + ADDRESS_BYTES)
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
