import { expect, it } from 'vitest'

import { getBuildInfo } from '@slipway/contract'
import { freePort } from '@slipway/testkit'
import { ApiFailure, Client, ConnectionFailure, type Fetch } from './index.ts'

/** A client whose every call is answered with this. */
function answering(status: number, text: () => Promise<string>): Client {
  const answer: Fetch = () =>
    Promise.resolve({ ok: status < 300, status, headers: { get: () => null }, text })
  return new Client({ url: 'http://slipway.test', fetch: answer })
}

it('OP-186: the envelope of a failure is kept whole', async () => {
  const body = { message: 'No.', detail: 'Why.', validations: [{ field: 'name', detail: 'taken' }] }
  await expect(
    answering(400, () => Promise.resolve(JSON.stringify(body))).call(getBuildInfo),
  ).rejects.toMatchObject({ name: 'ApiFailure', status: 400, ...body })
})

it('OP-186: pages of proxies are not shown, and are not taken for an answer', async () => {
  const page = () => Promise.resolve('<html><body>Bad gateway</body></html>')
  const failed = await answering(502, page)
    .call(getBuildInfo)
    .catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ApiFailure)
  expect(failed).toMatchObject({ message: 'the server answered 502' })
  await expect(answering(200, page).call(getBuildInfo)).rejects.toThrow(/not of this API/)
})

it('OP-186: an answer that breaks off, and a server that is away, say what the network said', async () => {
  const reset = new TypeError('terminated', { cause: new Error('read ECONNRESET') })
  const broken = await answering(200, () => Promise.reject(reset))
    .call(getBuildInfo)
    .catch((error: unknown) => error)
  expect(broken).toBeInstanceOf(ConnectionFailure)
  expect(broken).toMatchObject({ message: 'cannot reach http://slipway.test', reason: 'read ECONNRESET' })
  const port = await freePort()
  const away = await new Client({ url: `http://127.0.0.1:${port}` })
    .call(getBuildInfo)
    .catch((error: unknown) => error)
  expect(away).toMatchObject({ reason: `connect ECONNREFUSED 127.0.0.1:${port}` })
})
