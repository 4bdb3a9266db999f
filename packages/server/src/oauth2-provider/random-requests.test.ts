import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { SEED } from '@slipway/testkit'
import { CALLBACK, OAuthDeployment, pkce, type TestApp } from './deployment.fixture.ts'

const REQUESTS = 5_000
const AT_ONCE = 8

let deployment: OAuthDeployment
let app: TestApp
let native: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app({ redirect_uris: ['https://two.example/cb?x=1'] })
  native = await deployment.publicClient()
})
afterAll(() => deployment[Symbol.asyncDispose]())

/** Numbers that follow from a seed, so that a failure can be had again (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const HOSTILE = [
  '',
  ' ',
  '\0',
  '%00',
  '\r\nLocation: https://evil.example',
  '\u202e',
  '\ud800',
  '💥'.repeat(50),
  'a'.repeat(5_000),
  '"><script>alert(1)</script>',
  "' or 1=1 --",
  '{}',
  '[]',
  'null',
  '-1',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
]

interface Word {
  readonly name: string
  readonly values: readonly string[]
}

function formFrom(words: readonly Word[], random: () => number): URLSearchParams {
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
  const form = new URLSearchParams()
  for (const { name, values } of words) {
    const times = random() < 0.95 ? 1 : random() < 0.5 ? 0 : 2
    for (let time = 0; time < times; time += 1)
      form.append(name, (random() < 0.94 ? pick(values) : pick(HOSTILE)) ?? '')
  }
  return form
}

async function inTurns(seed: number, work: (random: () => number) => Promise<void>): Promise<void> {
  let left = REQUESTS
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, lane) => {
      const random = randomFrom(seed + lane)
      while (left > 0) {
        left -= 1
        await work(random)
      }
    }),
  )
}

const REGISTERED = [CALLBACK, 'https://two.example/cb?x=1']
const { challenge, verifier } = pkce()

describe('random requests', () => {
  it('authorize: no 5xx, and nobody is redirected to where no client is', async () => {
    const words: Word[] = [
      { name: 'client_id', values: [app.id, app.id, native.id, 'x', 'https://evil.example/client'] },
      { name: 'response_type', values: ['code', 'code', 'code', 'token', 'id_token'] },
      {
        name: 'redirect_uri',
        values: [
          ...REGISTERED,
          `${CALLBACK}/..`,
          'http://localhost1:8080@evil.example/foo/bar',
          'http://127.0.0.1:1/cb',
          'http://127.0.0.1:99999/cb',
          'http://127.0.0.1:80/cb@evil.example',
        ],
      },
      {
        name: 'scope',
        values: ['', 'workspace:read', 'coder:all', 'nonsense', 'all application_connect', 'template:*'],
      },
      { name: 'state', values: ['s', 'ä ö', '&error=x', '#'] },
      { name: 'resource', values: ['', 'https://r.example', 'https://r.example#x', 'urn:x:y'] },
      { name: 'code_challenge', values: [challenge, challenge, challenge, 'short'] },
      { name: 'code_challenge_method', values: ['S256', 'S256', 'plain'] },
      { name: 'dpop_jkt', values: ['', challenge] },
      { name: 'prompt', values: ['none', 'consent'] },
    ]
    const statuses = new Map<number, number>()
    await inTurns(SEED, async (random) => {
      const query = formFrom(words, random)
      const method = random() < 0.5 ? 'GET' : 'POST'
      const decision = random() < 0.2 ? 'deny' : 'allow'
      const answer = await fetch(deployment.url(`/oauth2/authorize?${query}`), {
        method,
        redirect: 'manual',
        headers: random() < 0.9 ? { ...deployment.member.headers } : {},
        ...(method === 'POST' && random() < 0.5 ? { body: new URLSearchParams({ decision }) } : {}),
      })
      await answer.text()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      expect(answer.status, `${method} ${query}`).toBeLessThan(500)
      const location = answer.headers.get('location')
      if (location === null) return
      const good =
        REGISTERED.some((uri) => location.startsWith(`${uri}${uri.includes('?') ? '&' : '?'}`)) ||
        /^http:\/\/127\.0\.0\.1(:[1-9]\d{0,4})?\/cb\?/.test(location) ||
        location.startsWith('/login?')
      expect(good, `${method} ${query} led to ${location}`).toBe(true)
    })
    // The words are not so wild that nothing gets through.
    expect(statuses.get(302)).toBeGreaterThan(50)
  }, 180_000)

  it('token: no 5xx, and no tokens for what was not granted', async () => {
    const { code } = await deployment.code(app, {})
    const { refresh_token = '' } = await deployment.tokens(app)
    const half = (text: string) => text.slice(0, -1)
    const words: Word[] = [
      {
        name: 'grant_type',
        values: ['authorization_code', 'refresh_token', 'password', 'implicit', 'client_credentials', 'x'],
      },
      { name: 'client_id', values: [app.id, app.id, native.id, 'x'] },
      { name: 'client_secret', values: [app.secret ?? '', app.secret ?? '', half(app.secret ?? '')] },
      { name: 'code', values: [half(code), 'coder_a_b', 'coder__', 'coder_a_b_c'] },
      { name: 'code_verifier', values: [verifier, half(verifier), 'short'] },
      { name: 'refresh_token', values: [half(refresh_token), 'coder_a_b'] },
      { name: 'redirect_uri', values: REGISTERED },
      { name: 'resource', values: ['https://r.example', 'x#y'] },
      { name: 'scope', values: ['coder:all', 'nonsense'] },
      { name: 'token', values: [half(refresh_token), 'x-y', 'coder_a_b'] },
    ]
    await inTurns(SEED + AT_ONCE, async (random) => {
      const form = formFrom(words, random)
      const path = random() < 0.7 ? '/oauth2/tokens' : random() < 0.5 ? '/oauth2/par' : '/oauth2/introspect'
      const wild = random() < 0.05 ? { 'content-type': 'application/json' } : {}
      const basic = random() < 0.2 ? { authorization: `Basic ${btoa(`${app.id}:${app.secret}`)}` } : {}
      const answer = await deployment.post(path, {
        body: form.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...wild, ...basic },
      })
      const text = await answer.text()
      expect(answer.status, `${path} ${form} ${text}`).toBeLessThan(500)
      expect(text, `${path} ${form}`).not.toContain('access_token')
    })
  }, 180_000)
})
