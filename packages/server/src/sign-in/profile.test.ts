import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isAllowedDomain, isEmail, isVerified } from './email-rules.ts'
import { oidcProfile } from './oidc-profile.ts'
import { alternativeUsername, avatarUrl, generatedUsername, realName, usernameFrom } from './profile.ts'

const USERNAME = /^(?=.{1,32}$)[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/
const label = fc.stringMatching(/^[a-z0-9]{1,10}$/)
const domain = fc.tuple(label, label).map((labels) => labels.join('.'))

describe('ID-162: e-mail rules', () => {
  it('L-S1: an address is of a domain only when what is behind its last @ is exactly that', () => {
    fc.assert(
      fc.property(fc.string(), domain, fc.array(domain, { minLength: 1 }), (local, own, allowed) => {
        const email = `${local}@${own}`
        expect(isAllowedDomain(email, allowed)).toBe(local !== '' && allowed.includes(own))
      }),
    )
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), domain, (text, allowed) => {
        for (const email of [`a@${text}${allowed}`, `a@${allowed}${text}`, `a@${allowed}@${text}`]) {
          const behind = email.slice(email.lastIndexOf('@') + 1)
          expect(isAllowedDomain(email, [allowed])).toBe(
            behind.toLowerCase() === allowed && email.lastIndexOf('@') > 0,
          )
        }
      }),
    )
  })

  it('case and a leading @ in the settings do not matter; no list allows all', () => {
    expect(isAllowedDomain('a@Corp.Example', ['@CORP.example'])).toBe(true)
    expect(isAllowedDomain('a@corp.example', [])).toBe(true)
    expect(isAllowedDomain('corp.example', ['corp.example'])).toBe(false)
    expect(isAllowedDomain('@corp.example', ['corp.example'])).toBe(false)
    expect(isAllowedDomain('a@', ['', '@'])).toBe(false)
    // A Kelvin sign is no k.
    expect(isAllowedDomain('a@\u{212a}orp.example', ['korp.example'])).toBe(false)
  })

  it('only what says so verifies', () => {
    for (const yes of [true, 1, 2, 'true', 'TRUE', 't', '1']) expect(isVerified(yes), String(yes)).toBe(true)
    for (const no of [false, 0, Number.NaN, 'false', '', 'yes', null, undefined, {}, [true]])
      expect(isVerified(no)).toBe(false)
  })

  it('an address has one @ and nothing that cuts it', () => {
    for (const good of ['a@b', 'kim+x@corp.example', 'ü@corp.example']) expect(isEmail(good), good).toBe(true)
    for (const bad of [
      '',
      'a',
      '@b',
      'a@',
      'a@b@c',
      'a b@c',
      'a@b\n',
      `${'a'.repeat(260)}@b`,
      'a\0@b',
      '\u{212a}im@corp.example',
      'k\u{130}m@corp.example',
    ])
      expect(isEmail(bad), JSON.stringify(bad)).toBe(false)
  })
})

describe('ID-161: profiles', () => {
  it('usernames fit whatever the provider says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (first, second) => {
        expect(usernameFrom(first, second)).toMatch(USERNAME)
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9]{1,8}(-[a-zA-Z0-9]{1,7}){0,3}$/), (name) => {
        expect(alternativeUsername(name)).toMatch(USERNAME)
      }),
    )
    expect(generatedUsername()).toMatch(USERNAME)
  })

  it.each([
    ['kim', 'kim'],
    ['kim.lee@corp.example', 'kimlee'],
    ['Kim_Lee', 'KimLee'],
    ['--kim--lee--', 'kim-lee'],
  ])('%s becomes %s', (given, expected) => {
    expect(usernameFrom(given)).toBe(expected)
  })

  it('ID-218: reserved words and what leaves nothing get a generated name', () => {
    for (const given of ['me', 'ME', 'new', 'create', '???', '', 'a'.repeat(40)])
      expect(usernameFrom(given)).toMatch(/^[a-z]+-[a-z]+-\d+$/)
  })

  it('names are cut at 128 bytes, between characters', () => {
    expect(realName('  Kim \0 ')).toBe('Kim')
    const name = realName('ü'.repeat(100))
    expect(Buffer.byteLength(name)).toBe(128)
    expect(realName('👩‍🚀'.repeat(50)).isWellFormed()).toBe(true)
  })

  it('names of any length are cut in no time', () => {
    expect(realName('x'.repeat(1_000_000))).toBe('x'.repeat(128))
    expect(realName('ü'.repeat(1_000_000))).toBe('ü'.repeat(64))
    expect(realName('🚢'.repeat(1_000_000))).toBe('🚢'.repeat(32))
  })

  it('pictures are on the web', () => {
    expect(avatarUrl('https://a.example/p.png')).toBe('https://a.example/p.png')
    for (const bad of [
      'javascript:alert(1)',
      'data:image/png;base64,AA',
      'x',
      '',
      `https://a.example/${'x'.repeat(3000)}`,
    ])
      expect(avatarUrl(bad)).toBe('')
  })

  it('claims that are inherited or no texts do not count', () => {
    const fields = { emailField: 'email', usernameField: 'constructor', nameField: 'name' }
    const profile = oidcProfile(fields, 'x', { email: 'a@b.example', name: { first: 'A' } })
    expect(profile).toMatchObject({ email: 'a@b.example', username: 'a', name: '', emailVerified: false })
    expect(() => oidcProfile(fields, 'x', { email: ['a@b.example'] })).toThrow(
      'No email found in OIDC payload!',
    )
  })
})
