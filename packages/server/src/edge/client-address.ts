import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6, type Socket } from 'node:net'

/** What proxies say of their clients. */
const FORWARDING = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'forwarded',
] as const

/** Client address, host and scheme of a request as the outermost trusted proxy saw them. */
export interface ClientAddress {
  readonly remoteAddress: string
  readonly host: string
  readonly scheme: 'http' | 'https'
}

/** Resolves who is behind a chain of proxies (ID-103…ID-106). */
export interface AddressResolver {
  resolve(request: IncomingMessage, encrypted: boolean): ClientAddress
}

/**
 * Makes the resolver. `trustedOrigins` are CIDRs, `trustedHeaders` are tried in order. Headers count only
 * when the socket's peer lies inside a trusted origin.
 *
 * @throws Error naming the entry when a CIDR cannot be parsed.
 */
export function addressResolver(options: {
  readonly trustedOrigins: readonly string[]
  readonly trustedHeaders: readonly string[]
  /** Hears once that a peer which is not trusted says for whom it asks: most likely a proxy that nobody has named (ID-217). */
  readonly onUntrusted?: (peer: string, header: string) => void
}): AddressResolver {
  const trusted = new BlockList()
  for (const cidr of options.trustedOrigins) addCidr(trusted, cidr)
  const isTrusted = (address: string): boolean => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  const headers = options.trustedHeaders.map((name) => name.toLowerCase())
  const none = options.trustedOrigins.length === 0
  // The peer of a connection stays the same for all of its requests.
  const peers = new WeakMap<Socket, string>()
  const peerOf = (socket: Socket): string => {
    const known = peers.get(socket)
    if (known !== undefined) return known
    const peer = plainAddress(socket.remoteAddress ?? '') ?? '0.0.0.0'
    peers.set(socket, peer)
    return peer
  }

  let { onUntrusted } = options
  const tell = (request: IncomingMessage, peer: string): void => {
    const header = FORWARDING.find((name) => request.headers[name] !== undefined)
    if (header === undefined) return
    onUntrusted?.(peer, header)
    onUntrusted = undefined
  }

  return {
    resolve(request, encrypted) {
      const peer = peerOf(request.socket)
      const host = request.headers.host ?? ''
      const scheme = encrypted ? 'https' : 'http'
      if (none || !isTrusted(peer)) {
        if (onUntrusted !== undefined) tell(request, peer)
        return { remoteAddress: peer, host, scheme }
      }
      let remoteAddress = peer
      for (const name of headers) {
        const chosen = select(headerLines(request, name), isTrusted)
        if (chosen !== undefined) {
          remoteAddress = chosen
          break
        }
      }
      const forwardedScheme = firstValue(request, 'x-forwarded-proto')
      return {
        remoteAddress,
        host: firstValue(request, 'x-forwarded-host') ?? host,
        scheme: forwardedScheme === 'https' || forwardedScheme === 'http' ? forwardedScheme : scheme,
      }
    },
  }
}

function addCidr(list: BlockList, cidr: string): void {
  const [address = '', bits] = cidr.split('/')
  const family = isIP(address)
  const prefix = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits)
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 6 ? 128 : 32))
    throw new Error(`proxy-trusted-origins: "${cidr}" is not a CIDR such as 10.0.0.0/8`)
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
}

/** ID-104: all lines of X-Forwarded-For are one list; of other headers only the first line counts. */
function headerLines(request: IncomingMessage, name: string): string[] {
  const lines = request.headersDistinct[name] ?? []
  return name === 'x-forwarded-for' ? lines.flatMap((line) => line.split(',')) : (lines[0]?.split(',') ?? [])
}

/** The rightmost address that is not a trusted origin; the leftmost when all are. */
function select(entries: readonly string[], isTrusted: (address: string) => boolean): string | undefined {
  const addresses = entries.map((entry) => plainAddress(entry)).filter((address) => address !== undefined)
  return addresses.findLast((address) => !isTrusted(address)) ?? addresses[0]
}

/** Address without port, brackets, zone and IPv4 mapping; undefined for garbage. */
export function plainAddress(text: string): string | undefined {
  let value = text.trim()
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(value)
  if (bracketed) value = bracketed[1] ?? ''
  else if (/^[\d.]+:\d+$/.test(value)) value = value.slice(0, value.indexOf(':'))
  // A zone names an interface of the machine that wrote it and means nothing here.
  const zone = value.indexOf('%')
  if (zone >= 0) value = value.slice(0, zone)
  if (value.startsWith('::ffff:') && isIP(value.slice(7)) === 4) value = value.slice(7)
  return isIP(value) === 0 ? undefined : value
}

function firstValue(request: IncomingMessage, name: string): string | undefined {
  const value = request.headersDistinct[name]?.[0]?.split(',')[0]?.trim()
  return value === undefined || value === '' ? undefined : value
}

/**
 * `X-Forwarded-For` for the next hop (ID-107): the chain that led here, if it begins with the client that we have made
 * out, else that client alone, and behind it the peer that we heard it from.
 */
export function forwardedFor(request: IncomingMessage, client: string): string {
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  if (peer === undefined || peer === client) return client
  const chain = headerLines(request, 'x-forwarded-for').flatMap((entry) => plainAddress(entry) ?? [])
  return [...(chain[0] === client ? chain : [client]), peer].join(', ')
}
