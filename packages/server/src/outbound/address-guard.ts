import { BlockList, isIP, isIPv6 } from 'node:net'

/** Ranges that nobody outside is in (OA-108). */
const INSIDE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Unspecified, loopback, and the older kind of address in two forms that nobody uses any more.
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b:1::/48',
  '100::/64',
  // Teredo and 6to4 carry an address of the older kind, which may be one of these.
  '2001::/32',
  '2001:2::/48',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/** Tells addresses of the inner network from those outside. */
export class AddressGuard {
  readonly #inside = blockList(INSIDE)
  readonly #allowed: BlockList

  /** @param allowed ranges that an operator opens although they are inside, such as `10.1.0.0/16`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = blockList(allowed)
  }

  /** Whether a connection to this address may be made; false for what is no address. */
  permits(address: string): boolean {
    const plain = unmapped(address.split('%', 1)[0] ?? '')
    const version = isIP(plain)
    if (version === 0) return false
    const family = version === 4 ? 'ipv4' : 'ipv6'
    return this.#allowed.check(plain, family) || !this.#inside.check(plain, family)
  }
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/')
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}

/** The IPv4 address that an IPv6 one stands for (`::ffff:a.b.c.d`, `64:ff9b::a.b.c.d`), or the address itself. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address
  // Whatever way it was written, the URL parser writes it in one.
  const groups = expanded(new URL(`http://[${address}]/`).hostname.slice(1, -1))
  const head = groups.slice(0, 6).join(':')
  if (head !== '0:0:0:0:0:ffff' && head !== '64:ff9b:0:0:0:0') return address
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of an IPv6 address. */
function expanded(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}
