import { describe, expect, it } from 'vitest'

import { getUser, listWorkspaces } from '@slipway/contract'
import { ApiError, createCall, NetworkError, requestPath } from './http.ts'

const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  createCall(async () => new Response(body, { status, headers }))

// Requests of the browser are relative to the page; Node has no page.
globalThis.Request = class extends Request {
  constructor(input: string, init?: RequestInit) {
    super(new URL(input, 'http://slipway.test'), init)
  }
} as typeof Request

describe('UI-4: addresses are filled in, never glued together', () => {
  it('encodes path parameters and query', () => {
    expect(
      requestPath(
        '/users/{user}',
        { user: 'a/b?c' },
        { q: 'owner:me status:running', limit: 5, offset: undefined },
      ),
    ).toBe('/users/a%2Fb%3Fc?q=owner%3Ame+status%3Arunning&limit=5')
  })

  it('refuses a missing parameter', () => {
    expect(() => requestPath('/users/{user}')).toThrow('{user}')
  })
})

describe('UI-3: failures keep the words of the server', () => {
  it('takes message, detail, validations and request id', async () => {
    const call = answer(
      400,
      JSON.stringify({ message: 'No.', detail: 'Because.', validations: [{ field: 'q', detail: 'bad' }, 7] }),
      { 'X-Coder-Request-Id': 'abc', 'Retry-After': '3' },
    )
    const error = await call(listWorkspaces).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      status: 400,
      message: 'No.',
      detail: 'Because.',
      validations: [{ field: 'q', detail: 'bad' }],
      requestId: 'abc',
      retryAfter: 3,
    })
  })

  it('keeps the status when the body is somebody else’s page', async () => {
    const error = await answer(502, '<html>')(listWorkspaces).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 502, message: expect.stringContaining('502') })
  })

  it('OA-57: takes what endpoints of OAuth say in a form of their own', async () => {
    const body = { error: 'invalid_client', error_description: 'The client is unknown.' }
    const error = await answer(401, JSON.stringify(body))(listWorkspaces).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 401, message: 'The client is unknown.' })
  })

  it('a request without an answer is a network error', async () => {
    const call = createCall(() => Promise.reject(new TypeError('failed to fetch')))
    await expect(call(getUser, { params: { user: 'me' } })).rejects.toBeInstanceOf(NetworkError)
  })

  it('an empty success has no body', async () => {
    const call = createCall(async () => new Response(null, { status: 204 }))
    await expect(call(getUser, { params: { user: 'me' } })).resolves.toBeUndefined()
  })
})
