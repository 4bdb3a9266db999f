import { connect } from 'node:net'

import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'

import { route } from '@slipway/contract'
import { until } from '@slipway/testkit'
import { forSession } from './bind.ts'
import { maskCsrfToken, newCsrfCookie } from './csrf.ts'
import { start } from './testing.ts'

/** Sends bytes as they are, and resolves to what comes back until the server hangs up. */
async function raw(url: string, text: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  let ended = false
  socket.on('data', (data) => {
    answer += data.toString('latin1')
  })
  socket.on('close', () => {
    ended = true
  })
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  await until('the answer', () => ended)
  return answer
}

const CLOSE = 'Connection: close\r\n'

describe('header injection', () => {
  it('what a client calls itself or its host stays within one field of one line', async () => {
    const { url, lines } = await start()
    const evil = '"},"level":"error","api_key_id":"stolen'
    await raw(
      url,
      `GET /api/v2/mine?limit=%0A%22%7D HTTP/1.1\r\nHost: ${evil}\r\nUser-Agent: ${evil}\r\nBaggage: client_session_id=${evil}\r\n${CLOSE}\r\n`,
    )
    const line = await until('the line', () => lines.find((one) => one.path === '/api/v2/mine'))
    expect(line).toMatchObject({ level: 'debug', host: evil, received_host: evil, query_limit: '\n"}' })
    expect(line).not.toHaveProperty('api_key_id')
    expect(line).not.toHaveProperty('client_session_id')
    expect(lines).toHaveLength(1)
  })

  it('a host that a client makes up cannot write the challenge', async () => {
    const { url } = await start()
    const answer = await raw(
      url,
      `GET /api/v2/mine HTTP/1.1\r\nHost: x", error="none", realm="y\r\n${CLOSE}\r\n`,
    )
    const challenge = /^www-authenticate: (.*)$/im.exec(answer)?.[1] ?? ''
    expect(challenge.match(/realm=/g)).toHaveLength(2)
    // All of it lies inside the one quoted text.
    expect(challenge).toMatch(/^Bearer realm="coder", resource_metadata="[^"]*"\r?$/)
  })

  it('a peer that nobody trusts says neither which host nor which scheme was asked for', async () => {
    const { url } = await start()
    const answer = await fetch(`${url}/api/v2/mine`, {
      headers: { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' },
    })
    expect(answer.headers.get('www-authenticate')).toContain(`resource_metadata="${url}/`)
  })

  it('line breaks in an address end no header of the answer', async () => {
    const { url } = await start()
    const answer = await raw(url, `GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`)
    expect(answer).not.toMatch(/^set-cookie/im)
  })
})

describe('requests that two servers could read in two ways', () => {
  it.each([
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['chunks under another name', 'Transfer-Encoding: xchunked\r\n'],
    ['a space before the colon', 'Content-Length : 5\r\n'],
    ['a folded header', 'X-A: b\r\n Content-Length: 5\r\n'],
  ])('%s are refused', async (_what, headers) => {
    const { url, asked } = await start()
    const answer = await raw(url, `POST /api/v2/notes HTTP/1.1\r\nHost: x\r\n${headers}${CLOSE}\r\nhello`)
    expect(answer).toMatch(/^HTTP\/1\.1 (400|501)/)
    // Whatever follows is no request of its own.
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
    expect(asked.length).toBeLessThan(2)
  })

  it('a head beyond all bounds is refused, and nothing is kept of it', async () => {
    const { url, asked } = await start()
    const answer = await raw(url, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431/)
    expect(asked).toEqual([])
  })
})

describe('the CSRF matrix', () => {
  const cookie = newCsrfCookie()
  const session = `coder_session_token=other; csrf_token=${cookie}`
  const change = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE') =>
    forSession(
      route(`${method} /api/v2/things`, {
        id: `change-${method}`,
        tag: 'Test',
        responses: { 200: Type.String() },
      }),
      async ({ owner }) => owner.username,
    )
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const

  it.each(methods)('%s with a cookie needs a proof, and any of the proofs is one', async (method) => {
    const { url } = await start({ routes: methods.map(change) })
    const ask = async (headers: Record<string, string>, query = '') => {
      const answer = await fetch(`${url}/api/v2/things${query}`, {
        method,
        headers: { Cookie: session, ...headers },
      })
      return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
    }
    const alone = await ask({})
    expect([alone.status, alone.type]).toEqual([400, 'text/plain; charset=utf-8'])
    expect(alone.text).toMatch(/^Something is wrong with your CSRF token\. Please refresh the page\./)
    expect((await ask({ 'X-CSRF-TOKEN': maskCsrfToken(cookie) })).status).toBe(200)
    expect((await ask({ 'Coder-Session-Token': 'other' })).status).toBe(200)
    expect((await ask({}, '?coder_session_token=other')).status).toBe(200)
    expect((await ask({ Authorization: 'Bearer anything' })).status).toBe(200)
    const differ = await ask({ 'Coder-Session-Token': 'boss' })
    expect(differ.status).toBe(400)
    expect(differ.text).toMatch(/^CSRF error encountered\. Authentication via/)
    for (const headers of [
      { 'X-CSRF-TOKEN': maskCsrfToken(newCsrfCookie()) },
      { 'X-CSRF-TOKEN': cookie },
      { Origin: url },
      { Referer: `${url}/` },
      { 'Sec-Fetch-Site': 'same-origin' },
      { Authorization: 'Basic YTpi' },
      { 'Content-Type': 'text/plain' },
    ])
      expect((await ask(headers)).status, JSON.stringify(headers)).toBe(400)
    // Without a cookie there is nothing that another site could use.
    const bare = await fetch(`${url}/api/v2/things`, { method, headers: { 'Coder-Session-Token': 'other' } })
    expect(bare.status).toBe(200)
  })

  it('ID-127: the consent form needs one, what programs send to the token endpoint does not', async () => {
    const { url } = await start()
    const post = async (path: string) =>
      (await fetch(`${url}${path}`, { method: 'POST', headers: { Cookie: session } })).status
    expect(await post('/oauth2/authorize')).toBe(400)
    expect(await post('/oauth2/tokens')).not.toBe(400)
  })
})

describe('ID-137: what holds tokens', () => {
  it('is kept by no cache', async () => {
    const { url } = await start()
    for (const path of ['/oauth2/tokens', '/api/v2/oauth2-provider/apps']) {
      const { headers } = await fetch(`${url}${path}`)
      expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
    }
    expect((await fetch(`${url}/api/v2/mine`)).headers.get('pragma')).toBeNull()
  })
})
