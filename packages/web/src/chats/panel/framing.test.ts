import { describe, expect, it } from 'vitest'

import { addressWithin, framingOf } from './framing.ts'

const link = (href: string) => ({ kind: 'link', href, slim: false }) as const
const page = new URL('https://slipway.example.com/agents/1')

describe('UI-2007: what may be shown in a frame', () => {
  it.each([
    ['https://docs--dev--ada.slipway.example.com/', '*.slipway.example.com'],
    ['https://docs--dev--ada--apps.example.com/', '*--apps.example.com'],
    ['https://3000--main--dev--ada.example.com:8443/', '*.example.com:8443'],
  ])('%s under %s', (url, appHost) => {
    expect(framingOf(link(url), page, appHost)).toEqual({ kind: 'frame', url })
  })

  it.each([
    ['under a path of the dashboard', '/@ada/dev.main/apps/docs/', '*.example.com', page],
    ['of the dashboard itself', 'https://slipway.example.com/', '*.example.com', page],
    ['on another site', 'https://docs--dev--ada.apps.example.org/', '*.apps.example.org', page],
    ['that the template names', 'https://grafana.example.com/', '*.apps.example.com', page],
    ['without encryption', 'http://docs--dev--ada.example.com/', '*.example.com', page],
    ['of a machine', 'http://a.localhost:3000/', '*.localhost:3000', new URL('http://localhost:3000/')],
    ['without a host of its own', 'https://docs--dev--ada.example.com/', '', page],
  ])('nothing %s, but a tab of its own is offered', (_, href, appHost, from) => {
    expect(framingOf(link(href), from, appHost)).toMatchObject({
      kind: 'elsewhere',
      href: new URL(href, from).href,
    })
  })

  it('no program, and nothing that leads nowhere', () => {
    const program = { kind: 'program', url: 'cursor://x', needsKey: false } as const
    expect(framingOf(program, page, '*.example.com').kind).toBe('none')
    expect(framingOf({ kind: 'none', reason: 'why' }, page, '')).toEqual({ kind: 'none', reason: 'why' })
  })
})

describe('UI-1145: an address that is typed over a frame', () => {
  const base = 'https://3000--main--dev--ada.slipway.example.com/'
  it.each([
    ['/docs?x=1#y', `${base}docs?x=1#y`],
    ['docs', `${base}docs`],
    [' ', base],
    [`${base}a`, `${base}a`],
    ['https://slipway.example.com/', undefined],
    ['//evil.test/', undefined],
    ['/\\evil.test', undefined],
    ['javascript:alert(1)', undefined],
  ])('%j leads to %s', (typed, url) => expect(addressWithin(typed, base)).toBe(url))
})
