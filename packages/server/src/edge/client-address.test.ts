import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'

import { describe, expect, it } from 'vitest'

import { addressResolver, forwardedFor } from './client-address.ts'

class PeerSocket extends Socket {
  override readonly remoteAddress: string

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
}

/** A request from `peer` with these header lines, in order. */
function from(peer: string, lines: readonly (readonly [string, string])[]): IncomingMessage {
  const request = new IncomingMessage(new PeerSocket(peer))
  for (const [name, value] of lines) {
    request.headersDistinct[name] = [...(request.headersDistinct[name] ?? []), value]
    request.headers[name] ??= value
  }
  return request
}

const resolver = addressResolver({
  trustedOrigins: ['10.0.0.0/8', 'fd00::/8'],
  trustedHeaders: ['X-Real-Ip', 'X-Forwarded-For'],
})
const resolve = (peer: string, ...lines: readonly (readonly [string, string])[]) =>
  resolver.resolve(from(peer, lines), false)

describe('ID-103, ID-104: the address of the client', () => {
  it('is the peer where the peer is no trusted proxy', () => {
    expect(resolve('1.1.1.1', ['x-forwarded-for', '6.6.6.6']).remoteAddress).toBe('1.1.1.1')
    expect(resolve('::ffff:1.1.1.1').remoteAddress).toBe('1.1.1.1')
  })

  it('is the rightmost that is not trusted, over all lines of the header', () => {
    expect(
      resolve('10.0.0.1', ['x-forwarded-for', '6.6.6.6, 1.2.3.4'], ['x-forwarded-for', '10.0.0.9'])
        .remoteAddress,
    ).toBe('1.2.3.4')
    expect(resolve('::ffff:10.0.0.1', ['x-forwarded-for', '1.2.3.4']).remoteAddress).toBe('1.2.3.4')
  })

  it('is the leftmost when all are trusted, and the peer when none can be read', () => {
    expect(resolve('10.0.0.1', ['x-forwarded-for', '10.0.0.7, fd00::1']).remoteAddress).toBe('10.0.0.7')
    expect(resolve('10.0.0.1', ['x-forwarded-for', 'unknown, , _x']).remoteAddress).toBe('10.0.0.1')
  })

  it('has neither port nor brackets', () => {
    expect(resolve('10.0.0.1', ['x-forwarded-for', '1.2.3.4:555']).remoteAddress).toBe('1.2.3.4')
    expect(resolve('10.0.0.1', ['x-forwarded-for', '[2001:db8::1]:555']).remoteAddress).toBe('2001:db8::1')
  })

  it('comes from the first header that yields one; of others than X-Forwarded-For only the first line counts', () => {
    expect(resolve('10.0.0.1', ['x-forwarded-for', '1.2.3.4'], ['x-real-ip', '5.5.5.5']).remoteAddress).toBe(
      '5.5.5.5',
    )
    expect(resolve('10.0.0.1', ['x-real-ip', '5.5.5.5'], ['x-real-ip', '6.6.6.6']).remoteAddress).toBe(
      '5.5.5.5',
    )
  })

  it('an origin that is no CIDR is refused by name', () => {
    for (const origin of ['10.0.0.0/33', 'example.com', '10.0.0.0/x', 'fd00::/129'])
      expect(() => addressResolver({ trustedOrigins: [origin], trustedHeaders: [] })).toThrow(origin)
  })
})

it('ID-106: host and scheme are the forwarded ones only from a trusted peer', () => {
  const lines = [
    ['host', 'inner'],
    ['x-forwarded-host', 'outer.test'],
    ['x-forwarded-proto', 'https'],
  ] as const
  expect(resolve('10.0.0.1', ...lines)).toMatchObject({ host: 'outer.test', scheme: 'https' })
  expect(resolve('1.1.1.1', ...lines)).toMatchObject({ host: 'inner', scheme: 'http' })
  expect(resolve('10.0.0.1', ['host', 'inner'], ['x-forwarded-proto', 'gopher'])).toMatchObject({
    host: 'inner',
    scheme: 'http',
  })
})

describe('ID-217: a proxy that nobody has named', () => {
  const told = (trustedOrigins: string[], lines: readonly (readonly [string, string])[], times = 1) => {
    const heard: string[] = []
    const own = addressResolver({
      trustedOrigins,
      trustedHeaders: ['X-Forwarded-For'],
      onUntrusted: (peer, header) => heard.push(`${peer} ${header}`),
    })
    for (let i = 0; i < times; i += 1) own.resolve(from('10.0.0.9', lines), false)
    return heard
  }

  it('is told of once', () => {
    expect(told([], [['x-forwarded-for', '1.2.3.4']], 5)).toEqual(['10.0.0.9 x-forwarded-for'])
    expect(told(['192.168.0.0/16'], [['forwarded', 'for=1.2.3.4']], 2)).toEqual(['10.0.0.9 forwarded'])
    expect(told(['10.0.0.0/8'], [['x-forwarded-for', '1.2.3.4']])).toEqual([])
    expect(told([], [], 3)).toEqual([])
  })
})

describe('ID-107: what the next hop is told', () => {
  it.each([
    ['a client of our own', '1.1.1.1', [], '1.1.1.1', '1.1.1.1'],
    ['a chain of a stranger', '1.1.1.1', ['6.6.6.6'], '1.1.1.1', '1.1.1.1'],
    [
      'a chain that begins with the client',
      '10.0.0.9',
      ['2.2.2.2', '10.0.0.8'],
      '2.2.2.2',
      '2.2.2.2, 10.0.0.8, 10.0.0.9',
    ],
    [
      'a chain that begins with something made up',
      '10.0.0.9',
      ['6.6.6.6, 2.2.2.2'],
      '2.2.2.2',
      '2.2.2.2, 10.0.0.9',
    ],
    ['a client from another header', '10.0.0.9', [], '2.2.2.2', '2.2.2.2, 10.0.0.9'],
  ] as const)('%s', (_what, peer, chain, client, expected) => {
    const request = from(
      peer,
      chain.map((line) => ['x-forwarded-for', line] as const),
    )
    expect(forwardedFor(request, client)).toBe(expected)
  })
})
