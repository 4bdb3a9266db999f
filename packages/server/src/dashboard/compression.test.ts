import { readdir, readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startTestServer, type TestServer } from '@slipway/testkit'

const ASSETS = fileURLToPath(new URL('../../../web/dist/assets/', import.meta.url))
const DECODERS = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  deflate: inflateSync,
  zstd: zstdDecompressSync,
}
const CODINGS = ['br', 'gzip', 'deflate', 'zstd'] as const

let server: TestServer
let names: string[]

beforeAll(async () => {
  server = await startTestServer()
  names = await readdir(ASSETS)
})
afterAll(() => server[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** Not with `fetch`, which decodes. */
function ask(path: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(server.url + path, { headers, method }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
        }),
      )
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

function asset(matches: (name: string) => boolean): string {
  const name = names.find(matches)
  if (name === undefined) throw new Error('the dashboard has no such file')
  return name
}

describe('ID-138: compression', () => {
  it.each(CODINGS)(
    'a file of the dashboard comes in %s when that is what the client reads',
    async (coding) => {
      for (const name of [
        asset((one) => names.includes(`${one}.br`)),
        asset((one) => one.endsWith('.css')),
        // What is too small for the build to compress it.
        asset((one) => one.endsWith('.js') && !names.includes(`${one}.br`)),
      ]) {
        const answer = await ask(`/assets/${name}`, { 'Accept-Encoding': coding })
        expect(answer.status).toBe(200)
        const plain = await readFile(ASSETS + name)
        const decode =
          answer.headers['content-encoding'] === coding ? DECODERS[coding] : (body: Buffer) => body
        if (plain.byteLength >= 1024) expect(answer.headers['content-encoding']).toBe(coding)
        expect(decode(answer.body).equals(plain)).toBe(true)
        expect(answer.body.byteLength).toBeLessThanOrEqual(plain.byteLength)
        expect(answer.headers).toMatchObject({
          'cache-control': 'public, max-age=31536000, immutable',
          vary: 'Accept-Encoding',
          'content-type': expect.stringMatching(/^text\/(?:javascript|css); charset=utf-8$/),
        })
        const { etag = '' } = answer.headers
        const again = await ask(`/assets/${name}`, {
          'Accept-Encoding': coding,
          'If-None-Match': String(etag),
        })
        expect(again.status).toBe(304)
        expect(again.body.byteLength).toBe(0)
      }
    },
  )

  it.each(CODINGS)('the page comes in %s, with a token that is masked anew', async (coding) => {
    const first = await ask('/workspaces', { 'Accept-Encoding': coding })
    const second = await ask('/workspaces', {
      'Accept-Encoding': coding,
      Cookie: String(first.headers['set-cookie']).split(';')[0] ?? '',
    })
    const tokens = [first, second].map((answer) => {
      expect(answer.headers).toMatchObject({
        'content-encoding': coding,
        'cache-control': 'no-store',
        vary: 'Cookie, Accept-Encoding',
      })
      return /csrf-token" content="([^"]+)"/.exec(DECODERS[coding](answer.body).toString())?.[1]
    })
    expect(tokens[0]).toMatch(/.{40}/)
    expect(tokens[1]).toMatch(/.{40}/)
    expect(tokens[0]).not.toBe(tokens[1])
  })

  it('the client chooses, by weights and by what it leaves out', async () => {
    const chosen = async (accepted: string) =>
      (await ask('/', { 'Accept-Encoding': accepted })).headers['content-encoding']
    expect(await chosen('gzip, deflate, br, zstd')).toBe('br')
    expect(await chosen('gzip;q=1.0, br;q=0.5')).toBe('gzip')
    expect(await chosen('br;q=0, *')).toBe('zstd')
    expect(await chosen('GZIP')).toBe('gzip')
    expect(await chosen('x-gzip')).toBe('gzip')
    expect(await chosen('deflate;q=0.2')).toBe('deflate')
    for (const accepted of [
      '',
      'identity',
      'identity, gzip;q=0.5',
      'gzip;q=0',
      'gzip;q=high',
      'compress',
      '*;q=0',
    ])
      expect(await chosen(accepted), accepted).toBeUndefined()
    expect((await ask('/', {})).headers['content-encoding']).toBeUndefined()
  })

  it('HEAD tells what GET would send', async () => {
    const name = asset((one) => one.endsWith('.css'))
    for (const path of [`/assets/${name}`, '/']) {
      const head = await ask(path, { 'Accept-Encoding': 'zstd' }, 'HEAD')
      expect(head.headers['content-encoding']).toBe('zstd')
      expect(head.body.byteLength).toBe(0)
    }
  })

  it('fonts are compressed already', async () => {
    const name = asset((one) => one.endsWith('.woff2'))
    const answer = await ask(`/assets/${name}`, { 'Accept-Encoding': 'gzip, br' })
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.headers['content-type']).toBe('font/woff2')
    expect(answer.body.equals(await readFile(ASSETS + name))).toBe(true)
  })

  it('answers of the API are not, nor what is not there, which nobody may keep', async () => {
    for (const path of ['/api/v2/buildinfo', '/api/v2/nothing', '/healthz'])
      expect((await ask(path, { 'Accept-Encoding': 'gzip, br' })).headers['content-encoding']).toBeUndefined()
    const missing = await ask('/assets/missing.js', { 'Accept-Encoding': 'gzip, br' })
    expect(missing.status).toBe(404)
    expect(missing.headers['cache-control']).toBe('no-store')
    expect(missing.headers['content-encoding']).toBeUndefined()
  })
})
