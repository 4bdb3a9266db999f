import { describe, expect, it } from 'vitest'

import { ApiError } from '../errors/index.ts'
import { checkCsrf, checkFormCsrf, isCsrfCookie, maskCsrfToken, newCsrfCookie } from './csrf.ts'

const SESSION = 'coder_session_token'
const cookie = newCsrfCookie()

/** Text of the refusal; undefined when the request may pass. */
function refusal(
  path: string,
  options: {
    readonly method?: string
    readonly cookies?: Readonly<Record<string, string>>
    readonly headers?: Readonly<Record<string, string>>
    readonly query?: string
  } = {},
): string | undefined {
  try {
    checkCsrf(
      {
        method: options.method ?? 'POST',
        path,
        cookies: { [SESSION]: 'the-key', csrf_token: cookie, ...options.cookies },
        headers: options.headers ?? {},
        query: new URLSearchParams(options.query),
      },
      SESSION,
    )
    return undefined
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400 || !error.plainText) throw error
    return error.message
  }
}

const PATH = '/api/v2/users/me/keys'

describe('ID-127: what needs a proof', () => {
  it('an unsafe method with a session cookie under /api and on the consent form', () => {
    expect(refusal(PATH)).toContain('Something is wrong with your CSRF token')
    expect(refusal('/oauth2/authorize')).toBeDefined()
    for (const path of ['/oauth2/tokens', '/oauth2/register', '/@owner/dev/apps/web'])
      expect(refusal(path), path).toBeUndefined()
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
      expect(refusal(PATH, { method }), method).toBeUndefined()
    expect(refusal(PATH, { cookies: { [SESSION]: '' } })).toBeUndefined()
  })

  it('ID-129, ID-204: not what the session cookie does not sign in; what users call under such a prefix does', () => {
    for (const path of [
      '/api/v2/users/first',
      '/api/v2/csp/reports',
      '/api/v2/workspaceagents/me/logs',
      '/api/v2/workspaceagents/aws-instance-identity',
      '/api/v2/organizations/default/provisionerdaemons/serve',
      '/api/v2/ai-gateway/openai/v1/chat/completions',
      '/api/v2/aibridge/sessions-of-ours/v1/messages',
    ])
      expect(refusal(path), path).toBeUndefined()
    for (const path of [
      '/api/v2/workspaceagents/3f2504e0/containers',
      '/api/v2/workspaceagents/menu',
      '/api/v2/users/firstborn',
      '/api/v2/ai-gateway/keys/name',
      '/api/v2/ai-gateway/sessions',
      '/api/v2/ai/providers/openai',
      '/api/v2/other/api/v2/csp/reports',
    ])
      expect(refusal(path), path).toBeDefined()
  })
})

describe('ID-128, ID-130: what is a proof', () => {
  it('the token of the page, which is another one on each page', () => {
    const [first, second] = [maskCsrfToken(cookie), maskCsrfToken(cookie)]
    expect(first).not.toBe(second)
    for (const token of [first, second])
      expect(refusal(PATH, { headers: { 'x-csrf-token': token } })).toBeUndefined()
    for (const token of [maskCsrfToken(newCsrfCookie()), cookie, '', 'x'])
      expect(refusal(PATH, { headers: { 'x-csrf-token': token } }), token).toBeDefined()
  })

  it('the key itself in the header or the query, which no other site knows', () => {
    expect(refusal(PATH, { headers: { 'coder-session-token': 'the-key' } })).toBeUndefined()
    expect(refusal(PATH, { query: 'coder_session_token=the-key' })).toBeUndefined()
    expect(refusal(PATH, { query: 'coder_session_token=another' })).toBeDefined()
    expect(refusal(PATH, { headers: { authorization: 'Bearer some' } })).toBeUndefined()
  })

  it('ID-131: two keys that differ are told apart from a wrong token', () => {
    expect(refusal(PATH, { headers: { 'coder-session-token': 'another' } })).toMatch(
      /^CSRF error encountered\. Authentication via/,
    )
  })
})

describe('OA-6, ID-128: forms of pages without scripts', () => {
  const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const later = (path: string, headers: Record<string, string>, method = 'POST') =>
    checkCsrf(
      {
        method,
        path,
        cookies: { [SESSION]: 'the-key', csrf_token: cookie },
        headers,
        query: new URLSearchParams(),
      },
      SESSION,
    )

  it('may bring their proof with them, where pages have forms, and nothing else may', () => {
    expect(later('/oauth2/authorize', FORM)).toBe(true)
    expect(later('/oauth2/device/decision', FORM)).toBe(true)
    expect(later('/oauth2/authorize', { ...FORM, 'x-csrf-token': maskCsrfToken(cookie) })).toBe(false)
    expect(later('/oauth2/device', FORM)).toBe(false)
    expect(later('/oauth2/tokens', FORM)).toBe(false)
    for (const [path, headers] of [
      ['/oauth2/authorize', { 'content-type': 'text/plain' }],
      ['/oauth2/authorize', {}],
      ['/oauth2/authorize/', {}],
      ['/oauth2/authorize', { ...FORM, 'x-csrf-token': 'x' }],
      [PATH, FORM],
    ] as const)
      expect(() => later(path, headers), `${path} ${JSON.stringify(headers)}`).toThrow('CSRF')
  })

  it('are refused without the token, with another one, and from another origin', () => {
    const check = (form: Record<string, string>, headers: Record<string, string> = {}, held = cookie) =>
      checkFormCsrf(
        { cookies: held === '' ? {} : { csrf_token: held }, headers },
        new URLSearchParams(form),
        (origin) => origin === 'https://slip.example',
      )
    const good = { csrf_token: maskCsrfToken(cookie) }
    check(good)
    check(good, { origin: 'https://slip.example' })
    check(good, { origin: 'null', 'sec-fetch-site': 'same-origin' })
    for (const [form, headers, held] of [
      [{}, {}, cookie],
      [{ csrf_token: '' }, {}, cookie],
      [{ csrf_token: cookie }, {}, cookie],
      [{ csrf_token: maskCsrfToken(newCsrfCookie()) }, {}, cookie],
      [good, {}, ''],
      [good, { origin: 'https://evil.example' }, cookie],
      [good, { origin: 'null' }, cookie],
      [good, { origin: 'null', 'sec-fetch-site': 'same-site' }, cookie],
    ] as const)
      expect(() => check(form, headers, held), JSON.stringify([form, headers])).toThrow('CSRF')
  })
})

it('ID-130: a cookie of another shape is replaced', () => {
  expect(isCsrfCookie(cookie)).toBe(true)
  for (const value of [undefined, '', 'short', cookie.slice(4)]) expect(isCsrfCookie(value)).toBe(false)
})
