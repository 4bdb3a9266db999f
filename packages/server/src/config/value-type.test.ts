import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { formatCsvRecord, parseCsvRecord } from './csv.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { formatHostPort, parseHostPort } from './host-port.ts'
import { listMap, structured, supportLinks, textMap } from './structured.ts'
import {
  bool,
  duration,
  hostPort,
  int,
  list,
  listOf,
  oneOf,
  string,
  url,
  type ValueType,
} from './value-type.ts'

function value<T>(type: ValueType<T>, text: string): T {
  const parsed = type.parse(text)
  if (!parsed.ok) throw new Error(`${JSON.stringify(text)} ${parsed.problem}`)
  return parsed.value
}

const refused = (type: ValueType<unknown>, ...texts: string[]) =>
  expect(texts.filter((text) => type.parse(text).ok)).toEqual([])

function roundTrips<T>(type: ValueType<T>, values: fc.Arbitrary<T>) {
  fc.assert(
    fc.property(values, (given) => {
      expect(type.holds(given)).toBe(true)
      expect(value(type, type.format(given))).toEqual(given)
    }),
  )
}

describe('OP-3: bool', () => {
  it('reads the thirteen words and the empty text', () => {
    for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) expect(value(bool, text)).toBe(true)
    for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False', '']) expect(value(bool, text)).toBe(false)
    refused(bool, 'yes', 'on', ' true', 'tRUE', '2')
  })
  it('writes what it reads', () => roundTrips(bool, fc.boolean()))
})

describe('OP-3: int', () => {
  it('reads whole numbers in its range', () => {
    expect(value(int(), '-5')).toBe(-5)
    refused(int(), '', '1.5', '1e3', '0x10', '9007199254740993', 'five', ' 5')
    refused(int(1, 100), '0', '101')
    expect(int(1, 100).parse('0')).toEqual({ ok: false, problem: 'must be at least 1 and at most 100' })
  })
  it('writes what it reads', () => roundTrips(int(), fc.integer()))
})

describe('OP-3: duration', () => {
  it('reads units from ns to w and mixtures', () => {
    expect(value(duration, '1h30m')).toBe(5_400_000)
    expect(value(duration, '7d')).toBe(7 * 86_400_000)
    expect(value(duration, '2w')).toBe(14 * 86_400_000)
    expect(value(duration, '1.5s')).toBe(1_500)
    expect(value(duration, '0')).toBe(0)
    refused(duration, '', '5', 'abc', '-1h', '1y', '1h 30m', 'h', '1.h', '300000000h')
  })
  it('is integer nanoseconds on the wire (OP-10)', () => {
    expect(duration.toJson(value(duration, '15ms'))).toBe(15_000_000)
    expect(JSON.stringify(duration.toJson(value(duration, '876600h')))).toBe('3155760000000000000')
    expect(JSON.stringify(duration.toJson(value(duration, '2562047h')))).toMatch(/^\d+$/)
  })
  it('writes what it reads, to the millisecond and beyond', () => {
    roundTrips(duration, fc.integer({ min: 0, max: 9_223_372_036_854 }))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e9 }), (nanoseconds) => {
        const milliseconds = nanoseconds * 1e-6
        expect(parseDuration(formatDuration(milliseconds))).toBeCloseTo(milliseconds, 6)
      }),
    )
  })
  it('adds its parts up', () => {
    const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, d: 86_400_000, w: 604_800_000 }
    const part = fc.tuple(fc.nat(1_000), fc.constantFrom(...Object.entries(units)))
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.map(([amount, [unit]]) => `${amount}${unit}`).join('')
        expect(parseDuration(text)).toBe(parts.reduce((sum, [amount, [, size]]) => sum + amount * size, 0))
      }),
    )
  })
})

describe('OP-3: list', () => {
  it('reads one CSV record', () => {
    expect(value(list(), 'a,"b,c"')).toEqual(['a', 'b,c'])
    expect(value(list(), ' a , "say ""hi""" ,,')).toEqual(['a', 'say "hi"'])
    expect(value(list(), '')).toEqual([])
    refused(list(), 'a"b', '"a', '"a"b')
  })
  it('writes what it reads, whatever the entries hold', () => {
    const entries = fc.array(fc.string({ unit: 'binary' }))
    roundTrips(list(), entries)
    roundTrips(list(), fc.array(fc.stringMatching(/^[ ",\n\ta]*$/)))
    fc.assert(
      fc.property(entries, (given) => {
        expect(parseCsvRecord(formatCsvRecord(given))).toEqual(given)
      }),
    )
  })
  it('corrects the case of words of a fixed set', () => {
    const type = listOf('includeSubDomains', 'preload')
    expect(value(type, 'INCLUDESUBDOMAINS,preload')).toEqual(['includeSubDomains', 'preload'])
    refused(type, 'preload,other')
  })
})

describe('OP-3: host:port', () => {
  it('reads names, addresses and a bare port', () => {
    expect(value(hostPort, ':8888')).toEqual({ host: '0.0.0.0', port: 8888 })
    expect(value(hostPort, '[::1]:80')).toEqual({ host: '::1', port: 80 })
    expect(value(hostPort, '')).toBeUndefined()
    refused(hostPort, 'localhost', '::1:80', 'a:70000', 'a:b', 'http://a:80', 'a b:1')
  })
  it('writes what it reads', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.constant('localhost'))
    const port = fc.integer({ min: 0, max: 65_535 })
    roundTrips(hostPort, fc.option(fc.record({ host, port }), { nil: undefined }))
    fc.assert(
      fc.property(host, port, (name, number) => {
        const address = { host: name, port: number }
        expect(parseHostPort(formatHostPort(address))).toEqual(address)
      }),
    )
  })
})

describe('OP-3: url, enum, text and structured', () => {
  it('a URL is absolute, of the named schemes, without a bare slash', () => {
    const type = url('http', 'https')
    expect(value(type, 'HTTPS://a.example/')).toBe('https://a.example')
    expect(value(type, 'https://a.example/x/')).toBe('https://a.example/x/')
    refused(type, 'a.example', 'ftp://a', '//a', 'https://', 'https://a b', 'https:\\\\a', 'https://a\n')
    expect(type.parse('ftp://a')).toEqual({ ok: false, problem: 'must start with http:// or https://' })
    roundTrips(
      url(),
      fc.webUrl().map((text) => value(url(), text)),
    )
  })
  it('an enum takes its words only and names them', () => {
    expect(oneOf('a', 'b', 'c').parse('d')).toEqual({ ok: false, problem: 'must be a, b or c' })
    roundTrips(oneOf('a', 'b'), fc.constantFrom('a' as const, 'b' as const))
  })
  it('a text is kept as it is', () => roundTrips(string(), fc.string({ unit: 'binary' })))
  it('structured values are YAML or JSON', () => {
    const key = fc.stringMatching(/^[a-z]{1,8}$/)
    roundTrips(textMap, fc.dictionary(key, fc.string({ unit: 'grapheme' }), { noNullPrototype: true }))
    roundTrips(
      listMap,
      fc.dictionary(key, fc.array(fc.string({ unit: 'grapheme' })), { noNullPrototype: true }),
    )
    roundTrips(
      supportLinks,
      fc.array(fc.record({ name: fc.string(), target: fc.webUrl(), icon: fc.constant('bug') }), {
        minLength: 1,
      }),
    )
    refused(textMap, '{a: 1}', '[a]', '{a: b', 'a')
    refused(supportLinks, '[{name: a}]', '[{name: a, target: b, icon: c, location: elsewhere}]')
    const positive = structured({
      shape: 'a number',
      holds: (given): given is number => typeof given === 'number',
      empty: 0,
    })
    expect([value(positive, '7'), value(positive, '')]).toEqual([7, 0])
  })
})
