import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type PeerCertificate } from 'node:tls'

import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { silentLogger } from '@slipway/request-log'
import { createTestDatabase, type TestDatabase, until } from '@slipway/testkit'
import { parseConfig } from '../config/index.ts'
import { type RunningServer, startServer } from '../server.ts'

let folder: string
let database: TestDatabase

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-tls-'))
  database = await createTestDatabase()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Writes a certificate for a name; a second one of the same name replaces it. */
async function certificate(name: string) {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  })
  const [cert, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)]
  await writeFile(key, made.private)
  await writeFile(cert, made.cert)
  return { cert, key, pem: made }
}

async function started(
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<RunningServer> {
  const configuration = parseConfig(flags, {
    CODER_PG_CONNECTION_URL: database.url,
    CODER_CONFIG_DIR: path.join(folder, 'config'),
    CODER_HTTP_ADDRESS: '127.0.0.1:0',
    CODER_TLS_ENABLE: 'true',
    CODER_TLS_ADDRESS: '127.0.0.1:0',
    CODER_PROVISIONER_DAEMONS: '0',
    ...env,
  })
  if (configuration.kind !== 'start') throw new Error(JSON.stringify(configuration))
  return startServer({ configuration, log: silentLogger() })
}

/** Shakes hands. @throws the error of a handshake that fails. */
async function peerOf(url: string | undefined, options: ConnectionOptions = {}): Promise<PeerCertificate> {
  const { port, hostname } = new URL(url ?? '')
  const socket = connect({ port: Number(port), host: hostname, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerCertificate()
  socket.destroy()
  return certificate
}

async function get(url: string, options: ConnectionOptions = {}): Promise<string> {
  const sent = httpsRequest(url, { rejectUnauthorized: false, agent: false, ...options })
  sent.end()
  const [response] = await once(sent, 'response')
  return text(response)
}

describe('the TLS listener', () => {
  it('OP-25: without files it has a certificate of its own for this machine', async () => {
    await using server = await started({})
    const peer = await peerOf(server.tls)
    expect(peer.subjectaltname).toBe('IP Address:127.0.0.1, DNS:localhost')
    const days = (Date.parse(peer.valid_to) - Date.parse(peer.valid_from)) / 86_400_000
    expect(Math.round(days)).toBe(180)
    expect(await get(`${server.tls}/healthz`)).toBe('OK')
    expect(await (await fetch(`${server.http}/healthz`)).text()).toBe('OK')
  })

  it('OP-24: nothing below TLS 1.2 is spoken', async () => {
    await using server = await started({})
    for (const version of ['TLSv1', 'TLSv1.1'] as const)
      await expect(
        peerOf(server.tls, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
      ).rejects.toThrow()
    await expect(peerOf(server.tls, { maxVersion: 'TLSv1.2' })).resolves.toBeDefined()
    await expect(peerOf(server.tls, { minVersion: 'TLSv1.3' })).resolves.toBeDefined()
  })

  it('OP-24: the suites are those of the setting', async () => {
    const { cert, key } = await certificate('suites.test')
    await using server = await started({
      CODER_TLS_CERT_FILE: cert,
      CODER_TLS_KEY_FILE: key,
      CODER_TLS_CIPHERS: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    })
    const old = { maxVersion: 'TLSv1.2' } as const
    await expect(
      peerOf(server.tls, { ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
    ).resolves.toBeDefined()
    await expect(peerOf(server.tls, { ...old, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).rejects.toThrow()
  })

  it('OP-25: the name that a client asks for chooses the certificate, and the first stands in', async () => {
    const [a, b] = [await certificate('a.test'), await certificate('b.test')]
    await using server = await started({
      CODER_TLS_CERT_FILE: `${a.cert},${b.cert}`,
      CODER_TLS_KEY_FILE: `${a.key},${b.key}`,
    })
    const nameFor = async (servername: string) => (await peerOf(server.tls, { servername })).subject.CN
    expect(await nameFor('a.test')).toBe('a.test')
    expect(await nameFor('b.test')).toBe('b.test')
    expect(await nameFor('c.test')).toBe('a.test')
  })

  it('OP-25: a renewed certificate counts for new connections without a restart', async () => {
    const { cert, key } = await certificate('renewed.test')
    await using server = await started({ CODER_TLS_CERT_FILE: cert, CODER_TLS_KEY_FILE: key })
    const serial = async () => (await peerOf(server.tls, { servername: 'renewed.test' })).serialNumber
    const before = await serial()
    await certificate('renewed.test')
    await until('the renewed certificate', async () => (await serial()) !== before)
  })

  it('OP-25, OP-9: files that are missing, hold nothing or do not fit refuse the start', async () => {
    const [a, b] = [await certificate('one.test'), await certificate('two.test')]
    const empty = path.join(folder, 'empty.pem')
    await writeFile(empty, 'nothing')
    for (const [env, message] of [
      [{ CODER_TLS_CERT_FILE: a.cert, CODER_TLS_KEY_FILE: b.key }, 'is not the key of the certificate'],
      [{ CODER_TLS_CERT_FILE: '/none.crt', CODER_TLS_KEY_FILE: a.key }, '/none.crt cannot be read'],
      [{ CODER_TLS_CERT_FILE: empty, CODER_TLS_KEY_FILE: a.key }, 'holds nothing in PEM form'],
      [{ CODER_TLS_CLIENT_CA_FILE: empty }, '--tls-client-ca-file'],
    ] as const)
      await expect(started(env)).rejects.toThrow(message)
  })

  it('OP-24: client certificates are asked for as the setting says', async () => {
    const [authority, foreign] = [await certificate('client.test'), await certificate('foreign.test')]
    const good = { cert: authority.pem.cert, key: authority.pem.private }
    const bad = { cert: foreign.pem.cert, key: foreign.pem.private }
    const passes = async (mode: string, given: ConnectionOptions): Promise<boolean> => {
      await using server = await started({
        CODER_TLS_CLIENT_AUTH: mode,
        CODER_TLS_CLIENT_CA_FILE: authority.cert,
      })
      // With TLS 1.3 a client hears of a refusal only when it reads.
      return await get(`${server.tls}/healthz`, given).then(
        (answer) => answer === 'OK',
        () => false,
      )
    }
    const seen = async (mode: string) => [
      await passes(mode, {}),
      await passes(mode, bad),
      await passes(mode, good),
    ]
    expect(await seen('request')).toEqual([true, true, true])
    expect(await seen('require-any')).toEqual([false, true, true])
    expect(await seen('verify-if-given')).toEqual([true, false, true])
    expect(await seen('require-and-verify')).toEqual([false, false, true])
  })

  it('OP-26: it may be the only one, and carries WebSockets', async () => {
    await using server = await started({}, ['--http-address='])
    expect([server.http, server.url]).toEqual([undefined, server.tls])
    const socket = new WebSocket(`${server.tls?.replace('https', 'wss')}/api/v2/workspaces/x/watch-ws`, {
      rejectUnauthorized: false,
    })
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(401)
    socket.on('error', () => undefined).terminate()
  })
})
