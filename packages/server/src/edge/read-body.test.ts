import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, test } from 'vitest'

import { readBody } from './read-body.ts'

const LIMIT = 100

/** What is read of a body that is sent in these pieces, or the code of the error. */
async function read(
  pieces: readonly string[],
  { length, leaves = false }: { readonly length?: number; readonly leaves?: boolean } = {},
): Promise<string> {
  const told = Promise.withResolvers<string>()
  const server = createServer((incoming, response) =>
    readBody(incoming, LIMIT, (error, bytes) => {
      told.resolve(error === null ? String(bytes) : 'code' in error ? String(error.code) : error.message)
      response.end()
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const outgoing = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    ...(length === undefined ? {} : { headers: { 'content-length': length } }),
  })
  outgoing.on('error', () => undefined)
  for (const piece of pieces) await new Promise((resolve) => outgoing.write(piece, resolve))
  if (leaves) outgoing.destroy()
  else outgoing.end()
  try {
    return await told.promise
  } finally {
    outgoing.destroy()
    server.closeAllConnections()
    server.close()
  }
}

test('a body is read whole, however it comes', async () => {
  expect(await read(['one'], { length: 3 })).toBe('one')
  expect(await read(['one', ' and ', 'two'])).toBe('one and two')
  expect(await read([])).toBe('')
  expect(await read(['x'.repeat(LIMIT)])).toBe('x'.repeat(LIMIT))
})

test('ID-93: a body over the limit is refused by what it says of its length, and by what comes', async () => {
  const tooLarge = 'FST_ERR_CTP_BODY_TOO_LARGE'
  expect(await read(['x'], { length: LIMIT + 1 })).toBe(tooLarge)
  expect(await read(['x'.repeat(LIMIT), 'x'])).toBe(tooLarge)
})

test('ID-119: a client that leaves while it sends is told apart from a body', async () => {
  expect(await read(['x'], { length: 10, leaves: true })).toBe('ECONNRESET')
})
