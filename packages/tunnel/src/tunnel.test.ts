import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Duplex, PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

import { expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { TunnelClient } from './client.ts'
import { watchLiveness } from './liveness.ts'
import { serveTunnel, type TunnelHandlers, TunnelRefusal } from './serve.ts'

const echo: TunnelHandlers = {
  request(request, response) {
    response.writeHead(200, { 'x-method': request.method })
    request.pipe(response)
  },
  async connect(authority) {
    if (authority === 'nowhere:1') throw new TunnelRefusal(404, 'there is nothing')
    return new PassThrough()
  },
}

async function open(handlers: TunnelHandlers = echo) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  const far = new WebSocket(`ws://127.0.0.1:${address.port}`)
  const [near] = (await once(server, 'connection')) as [WebSocket]
  if (far.readyState !== far.OPEN) await once(far, 'open')
  const served = serveTunnel(far, handlers)
  const client = new TunnelClient(near)
  return {
    client,
    served,
    far,
    near,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await served.closed
      server.close()
    },
  }
}

it('answers requests with bodies both ways', async () => {
  await using tunnel = await open()
  const answer = await tunnel.client.request({ method: 'POST', path: '/x', body: Buffer.from('hello') })
  expect(answer.status).toBe(200)
  expect(answer.headers['x-method']).toBe('POST')
  expect(await text(answer.body)).toBe('hello')
})

it('texts and bytes that are written together arrive as they were written', async () => {
  await using tunnel = await open()
  for (let round = 0; round < 20; round += 1) {
    const stream = await tunnel.client.connect('somewhere:1')
    stream.cork()
    stream.write('POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 7\r\n\r\n', 'latin1')
    stream.write(Buffer.from('payload'))
    stream.write('größe', 'utf8')
    stream.uncork()
    stream.end()
    expect(await text(stream)).toBe('POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 7\r\n\r\npayloadgröße')
  }
})

it('carries 64 MiB through a byte stream unchanged, and the reader sets the pace', async () => {
  let unread = 0
  let highest = 0
  await using tunnel = await open({
    ...echo,
    async connect() {
      return new Duplex({
        read() {
          if (this.readableFlowing === false) return
        },
        write(chunk: Buffer, _encoding, done) {
          unread += chunk.length
          highest = Math.max(highest, unread)
          setImmediate(() => {
            unread -= chunk.length
            hash.update(chunk)
            done()
          })
        },
        final(done) {
          this.push(null)
          done()
        },
      })
    },
  })
  const hash = createHash('sha256')
  const sent = createHash('sha256')
  const stream = await tunnel.client.connect('sink:1')
  const received = once(stream.resume(), 'end')
  const block = randomBytes(64 * 1024)
  await pipeline(
    Readable.from(
      (function* () {
        for (let i = 0; i < 1024; i += 1) {
          sent.update(block)
          yield block
        }
      })(),
    ),
    stream,
  )
  await received
  expect(hash.digest('hex')).toBe(sent.digest('hex'))
  expect(highest).toBeLessThan(8 * 1024 * 1024)
})

it('OP-12: tells what went through it since it was asked last, and nothing while it is idle', async () => {
  const { client, far } = await open()
  client.measure()
  await once(far, 'ping')
  expect(client.takeTraffic()).toEqual({ sent: 0, received: 0 })
  const stream = await client.connect('somewhere:1')
  stream.end(Buffer.alloc(100_000))
  let received = 0
  for await (const chunk of stream) received += chunk.length
  expect(received).toBe(100_000)
  const first = client.takeTraffic()
  for (const bytes of [first.sent, first.received]) {
    expect(bytes).toBeGreaterThanOrEqual(100_000)
    expect(bytes).toBeLessThan(110_000)
  }
  await client
    .request({ method: 'POST', path: '/', body: Buffer.alloc(5_000) })
    .then(({ body }) => text(body))
  expect(client.takeTraffic().sent).toBeLessThan(10_000)
  client[Symbol.dispose]()
})

it('keeps many streams apart', async () => {
  await using tunnel = await open()
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const stream = await tunnel.client.connect(`127.0.0.1:${i + 1}`)
      stream.end(`stream ${i}`)
      return text(stream)
    }),
  )
  expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => `stream ${i}`))
})

it('what the other end said before anybody asked is not lost', async () => {
  await using tunnel = await open()
  // The settings of the other end have come by the time that its answer to a ping has.
  const answered = once(tunnel.near, 'pong')
  tunnel.near.ping()
  await answered
  expect(tunnel.client.open).toBe(true)
  const answer = await tunnel.client.request({ method: 'GET', path: '/' })
  expect(answer.status).toBe(200)
})

it('a peer that talks without end before anybody asked is cut off', async () => {
  await using tunnel = await open()
  for (let i = 0; i < 10; i += 1) tunnel.far.send(Buffer.alloc(16 * 1024))
  await tunnel.client.closed
  expect(tunnel.client.open).toBe(false)
  await expect(tunnel.client.request({ method: 'GET', path: '/' })).rejects.toThrow('over')
})

it('says why a byte stream was not opened', async () => {
  await using tunnel = await open()
  await expect(tunnel.client.connect('nowhere:1')).rejects.toMatchObject({
    status: 404,
    message: 'there is nothing',
  })
})

it('ends everything when the other end is gone', async () => {
  await using tunnel = await open()
  const stream = await tunnel.client.connect('127.0.0.1:1')
  const over = once(stream, 'close')
  stream.on('error', () => undefined)
  tunnel.far.terminate()
  await tunnel.client.closed
  await over
  expect(tunnel.client.open).toBe(false)
})

it('cuts a half-open connection: a peer that answers no ping is gone', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}`)
  watchLiveness(socket, { everyMs: 20 })
  await once(socket, 'close')
  for (const client of server.clients) client.terminate()
  server.close()
})

it('carries a TCP connection: what is written arrives, and the end of either side too', async () => {
  const sockets = new Set<Socket>()
  const target = createServer((socket) => {
    sockets.add(socket)
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  const address = target.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  await using tunnel = await open({
    ...echo,
    async connect(authority) {
      const socket = connect({ host: '127.0.0.1', port: Number(authority.split(':')[1]) })
      await once(socket, 'connect')
      return socket
    },
  })
  const stream = await tunnel.client.connect(`127.0.0.1:${address.port}`)
  stream.end('over tcp')
  expect(await text(stream)).toBe('over tcp')
  target.close()
})
