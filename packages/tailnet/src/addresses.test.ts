import { expect, it } from 'vitest'

import { addressesOf, formatAddress, parseAddress } from './addresses.ts'

it('AC-147: an agent has the addresses of its id under both prefixes', () => {
  expect(addressesOf('01234567-89ab-cdef-0123-456789ABCDEF')).toEqual([
    'fd7a:115c:a1e0:cdef:123:4567:89ab:cdef',
    'fd60:627a:a42b:cdef:123:4567:89ab:cdef',
  ])
  expect(() => addressesOf('01234567-89ab-cdef-0123-456789abcde')).toThrow(/is no UUID/)
})

it('AC-146: single addresses are read in every notation, with or without /128', () => {
  const full = 'fd7a:115c:a1e0:0:0:0:0:1'
  for (const text of ['fd7a:115c:a1e0::1', 'FD7A:115C:A1E0::1/128', 'fd7a:115c:a1e0:0:0:0:0:1'])
    expect(formatAddress(parseAddress(text))).toBe(full)
  expect(formatAddress(parseAddress('::'))).toBe('0:0:0:0:0:0:0:0')
  expect(formatAddress(parseAddress('1::'))).toBe('1:0:0:0:0:0:0:0')
  for (const text of ['fd7a::/48', '10.0.0.1', '::ffff:1.2.3.4', 'fe80::1%eth0', 'x', ''])
    expect(() => parseAddress(text), text).toThrow(/not one address of IPv6/)
})
