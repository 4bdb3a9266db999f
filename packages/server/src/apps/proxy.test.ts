import { once } from 'node:events'
import { connect } from 'node:net'
import { duplexPair } from 'node:stream'

import { fastify } from 'fastify'
import { expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { OpenStreams } from '../edge/index.ts'
import { proxy } from './proxy.ts'

it('AC-210: a visitor who leaves while the app is being reached leaves nothing open', async () => {
  await using streams = new OpenStreams()
  const [near, far] = duplexPair()
  const dialled = Promise.withResolvers<typeof near>()
  let dialling: AbortSignal | undefined
  const server = fastify()
  server.get('/', async (request, reply) => {
    await proxy(request, reply, streams, {
      tunnel: {
        connect: (_authority, _headers, signal) => {
          dialling = signal
          return dialled.promise
        },
      },
      appUrl: new URL('http://127.0.0.1:8080'),
      path: '/',
      cors: undefined,
      keepsAuthorization: false,
      opener: { ok: false, status: 401, message: '', detail: '', reason: 'no-credential', hard: false },
      onOpen: () => undefined,
      otherForm: undefined,
    })
  })
  await server.listen({ port: 0, host: '127.0.0.1' })
  const address = server.server.address()
  const visitor = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
  await once(visitor, 'connect')
  visitor.write('GET / HTTP/1.1\r\nHost: app\r\n\r\n')
  await until('the dial', () => dialling)
  visitor.destroy()
  await until('the visitor has left', () => dialling?.aborted)
  dialled.resolve(near)
  await until('the end of the stream', () => near.destroyed)
  expect(far.readableLength).toBe(0)
  await server.close()
})
