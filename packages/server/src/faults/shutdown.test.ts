import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { buffer, json } from 'node:stream/consumers'

import tar from 'tar-stream'
import { afterEach, expect, it } from 'vitest'

import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
afterEach(() => server[Symbol.asyncDispose]())

/** An upload of which only the first half has arrived. */
async function halfUpload(): Promise<{ readonly sent: ClientRequest; readonly rest: Buffer }> {
  const owner = await server.owner()
  const pack = tar.pack()
  pack.entry({ name: 'main.tf' }, 'x'.repeat(2_000))
  pack.finalize()
  const archive = await buffer(pack)
  const sent = request(`${server.url}/api/v2/files`, {
    method: 'POST',
    headers: { ...owner.headers, 'Content-Type': 'application/x-tar', 'Content-Length': archive.length },
  })
  sent.on('error', () => undefined)
  sent.write(archive.subarray(0, 1_000))
  await until('the first half', () => (sent.socket?.bytesWritten ?? 0) > 1_000)
  // Answered on a later connection, so that the server has seen the first.
  await fetch(`${server.url}/healthz`)
  return { sent, rest: archive.subarray(1_000) }
}

it('OP-32: a server that stops takes no more connections and finishes the requests that it has begun', async () => {
  server = await startTestServer()
  const { sent, rest } = await halfUpload()
  const stopped = server.stop()
  await until('no more connections', () =>
    fetch(`${server.url}/healthz`).then(
      () => false,
      () => true,
    ),
  )
  const answered = once(sent, 'response')
  sent.end(rest)
  const [answer]: IncomingMessage[] = await answered
  expect(answer?.statusCode).toBe(201)
  if (answer !== undefined) expect(await json(answer)).toMatchObject({ hash: expect.any(String) })
  await stopped
})

it('OP-32: what does not end by itself is cut after 10 s', async () => {
  server = await startTestServer()
  const { sent } = await halfUpload()
  const closed = new Promise((resolve) => sent.on('close', resolve))
  const began = performance.now()
  await server.stop()
  await closed
  const seconds = (performance.now() - began) / 1000
  expect(seconds).toBeGreaterThan(9)
  expect(seconds).toBeLessThan(12)
})
