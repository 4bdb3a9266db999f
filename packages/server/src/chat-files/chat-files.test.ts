import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createChatFileDownloadUrl, createToken, getUser, uploadChatFile } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { actorOf, findStanding, newToken } from '../identity/index.ts'
import { findReadableFiles } from './index.ts'

const FILES = '/api/experimental/chats/files'
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100, 7)])

let now = new Date()
let server: TestServer
let database: Database
let admin: Client
let organizationId: string
/** May have chats. */
let ada: Client
let adaId: string
let grace: Client
let graceId: string

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    clock: { now: () => now },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 4 })
  admin = await server.owner()
  organizationId = (await admin.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  ;[ada, adaId] = await chatter('ada')
  ;[grace, graceId] = await chatter('grace')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  now = new Date()
})

/** A member who may have chats. */
async function chatter(name: string): Promise<[Client, string]> {
  const { db } = database
  const user = await fixtures.user(db, { username: name })
  await fixtures.organizationMember(db, { user, organization_id: organizationId, roles: ['agents-access'] })
  const { id, token, hashedSecret } = newToken()
  await fixtures.apiKey(db, { user, id, hashed_secret: hashedSecret, scopes: ['coder:all'] })
  return [new Client({ url: server.url, token }), user.id]
}

interface Upload {
  readonly type?: string
  /** The whole header; none when empty. */
  readonly disposition?: string
  readonly name?: string
  readonly organization?: string
}

function upload(client: Client, data: Buffer | string, given: Upload = {}): Promise<Response> {
  const { type = 'application/octet-stream', name = 'file', organization = organizationId } = given
  const { disposition = `attachment; filename="${name}"` } = given
  return fetch(`${server.url}${FILES}?organization=${organization}`, {
    method: 'POST',
    headers: {
      ...client.headers,
      'Content-Type': type,
      ...(disposition === '' ? {} : { 'Content-Disposition': disposition }),
    },
    body: new Uint8Array(Buffer.from(data)),
  })
}

/** Uploads what is taken; its id. */
async function stored(client: Client, data: Buffer | string, given: Upload = {}): Promise<string> {
  const response = await upload(client, data, given)
  expect(response.status).toBe(201)
  const { id }: { id: string } = JSON.parse(await response.text())
  return id
}

const load = (client: Client, id: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}${FILES}/${id}`, { headers: { ...client.headers, ...headers } })

async function refusal(response: Promise<Response>): Promise<[number, string]> {
  const answer = await response
  const { message }: { message: string } = JSON.parse(await answer.text())
  return [answer.status, message]
}

const count = async (): Promise<number> => {
  const row = await database.db
    .selectFrom('chat_files')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

describe('CH-440, CH-441: uploading', () => {
  it('T-36: an SVG is refused, whatever it is called', async () => {
    const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    const before = await count()
    for (const [type, name] of [
      ['image/png', 'x.png'],
      ['image/svg+xml', 'x.svg'],
      ['text/plain', 'x.txt'],
      ['application/octet-stream', 'x'],
    ] as const)
      expect(await refusal(upload(ada, svg, { type, name }))).toEqual([400, 'Unsupported file type.'])
    expect(await count()).toBe(before)
  })

  it('T-36: JSON that is called a text is taken as JSON', async () => {
    const id = await stored(ada, '{"a": 1}', { type: 'text/plain', name: 'a.json' })
    expect((await load(ada, id)).headers.get('content-type')).toBe('application/json')
  })

  it('T-36: more than 10 MiB is 413, and as much is taken', async () => {
    const most = Buffer.alloc(10 * 1024 * 1024, 'x')
    expect((await upload(ada, Buffer.concat([most, Buffer.from('x')]))).status).toBe(413)
    const id = await stored(ada, most)
    const answer = Buffer.from(await (await load(ada, id)).arrayBuffer())
    expect(answer.equals(most)).toBe(true)
  })

  it('what is sent is what it is called, or says that nobody knows', async () => {
    const mismatch = [400, 'The content type does not match the file.']
    expect(await refusal(upload(ada, PNG, { type: 'image/jpeg' }))).toEqual(mismatch)
    expect(await refusal(upload(ada, 'a,b', { type: 'text/csv', name: 'a.txt' }))).toEqual(mismatch)
    expect(await refusal(upload(ada, '{', { type: 'application/json', name: 'a.json' }))).toEqual(mismatch)
    expect(await refusal(upload(ada, PNG, { type: 'text/plain' }))).toEqual(mismatch)
    await stored(ada, PNG, { type: 'image/png' })
    await stored(ada, PNG)
    expect(await refusal(upload(ada, 'PK\x03\x04'))).toEqual([400, 'Unsupported file type.'])
    expect(await refusal(upload(ada, ''))).toEqual([400, 'The file is empty.'])
  })

  it('needs a name, of which nothing can surprise', async () => {
    for (const disposition of ['', 'attachment', 'attachment; filename=""', 'attachment; filename="../"'])
      expect(await refusal(upload(ada, 'x', { disposition }))).toEqual([400, 'A file name is required.'])
    const disposition = "attachment; filename*=UTF-8''..%2Fa%0Ab%20%C3%A4.txt"
    const id = await stored(ada, 'x', { disposition })
    expect((await load(ada, id)).headers.get('content-disposition')).toBe(
      'inline; filename="ab _.txt"; filename*=UTF-8\'\'ab%20%C3%A4.txt',
    )
  })

  it('is for those who may make chats in that organization', async () => {
    const before = await count()
    expect((await upload(await server.user('member'), 'x')).status).toBe(403)
    expect((await upload(server.anonymous, 'x')).status).toBe(401)
    const elsewhere = await fixtures.organization(database.db)
    expect((await upload(ada, 'x', { organization: elsewhere.id })).status).toBe(403)
    expect((await upload(ada, 'x', { organization: randomUUID() })).status).toBe(403)
    expect((await upload(admin, 'x', { organization: randomUUID() })).status).toBe(404)
    expect((await upload(ada, 'x', { organization: 'x' })).status).toBe(400)
    const reading = await ada.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    expect((await upload(new Client({ url: server.url, token: reading.key }), 'x')).status).toBe(403)
    expect(await count()).toBe(before)
    await stored(admin, 'x')
  })
})

describe('CH-442: serving', () => {
  it('T-36: shows files in the page and loads a PDF, and nobody takes either for something else', async () => {
    const id = await stored(ada, PNG, { name: 'a.png' })
    const answer = await load(ada, id)
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(PNG.length),
      'content-disposition': 'inline; filename="a.png"',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'accept-ranges': 'bytes',
      etag: `"${createHash('sha256').update(PNG).digest('hex')}"`,
    })
    expect(Buffer.from(await answer.arrayBuffer()).equals(PNG)).toBe(true)
    const pdf = await stored(ada, '%PDF-1.7\nx', { type: 'application/pdf', name: 'a.pdf' })
    expect(Object.fromEntries((await load(ada, pdf)).headers)).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': 'attachment; filename="a.pdf"',
    })
    const html = await stored(ada, '<script>alert(1)</script>', { name: 'a.html' })
    expect((await load(ada, html)).headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it('answers with the part that is asked for (RFC 9110)', async () => {
    const id = await stored(ada, '0123456789')
    const part = async (range: string, further: Record<string, string> = {}) => {
      const answer = await load(ada, id, { Range: range, ...further })
      return [answer.status, answer.headers.get('content-range'), await answer.text()]
    }
    expect(await part('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await part('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789'])
    expect(await part('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789'])
    expect(await part('bytes=-30')).toEqual([206, 'bytes 0-9/10', '0123456789'])
    expect(await part('bytes=0-999')).toEqual([206, 'bytes 0-9/10', '0123456789'])
    for (const range of ['bytes=4-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=x'])
      expect(await part(range), range).toEqual([200, null, '0123456789'])
    for (const range of ['bytes=10-', 'bytes=10-11', 'bytes=-0'])
      expect((await part(range)).slice(0, 2), range).toEqual([416, 'bytes */10'])
    const refused = await load(ada, id, { Range: 'bytes=10-' })
    expect(refused.headers.get('content-type')).toMatch(/^application\/json/)
    expect(refused.headers.get('cache-control') ?? '').not.toContain('immutable')
    await refused.arrayBuffer()
    const tag = (await load(ada, id)).headers.get('etag') ?? ''
    expect(await part('bytes=2-4', { 'If-Range': tag })).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await part('bytes=2-4', { 'If-Range': '"other"' })).toEqual([200, null, '0123456789'])
    for (const known of [tag, `"x", W/${tag}`, '*']) {
      const answer = await load(ada, id, { 'If-None-Match': known })
      expect([answer.status, await answer.text(), answer.headers.get('etag')]).toEqual([304, '', tag])
    }
    expect((await load(ada, id, { 'If-None-Match': '"x"' })).status).toBe(200)
  })
})

describe('CH-309: who reads a file', () => {
  it('its owner, who may read all chats, and nobody else', async () => {
    const id = await stored(ada, 'secret')
    expect((await load(ada, id)).status).toBe(200)
    expect((await load(admin, id)).status).toBe(200)
    for (const path of [id, randomUUID(), 'x', `${id}0`]) expect((await load(grace, path)).status).toBe(404)
    expect((await load(server.anonymous, id)).status).toBe(401)
    const { key } = await ada.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    expect((await load(new Client({ url: server.url, token: key }), id)).status).toBe(404)
  })

  it('who may read a chat that links it, also through its root, and only while that is so', async () => {
    const { db } = database
    const file_id = await stored(ada, 'shared')
    const mine = { owner_id: adaId, organization_id: organizationId }
    const root = await fixtures.chat(db, mine)
    const child = await fixtures.chat(db, { ...mine, parent_chat_id: root.id, root_chat_id: root.id })
    const other = await fixtures.chat(db, mine)
    await fixtures.chatFileLink(db, { chat: child, file_id })
    const share = (id: string, user_acl: object) =>
      db
        .updateTable('chats')
        .set({ user_acl: JSON.stringify(user_acl) })
        .where('id', '=', id)
        .execute()
    await share(other.id, { [graceId]: ['read'] })
    expect((await load(grace, file_id)).status).toBe(404)
    await share(root.id, { [graceId]: ['read'] })
    expect((await load(grace, file_id)).status).toBe(200)
    expect((await load(await server.user('outsider'), file_id)).status).toBe(404)
    await share(root.id, {})
    expect((await load(grace, file_id)).status).toBe(404)
    await db
      .updateTable('chats')
      .set({ group_acl: JSON.stringify({ [organizationId]: ['read'] }) })
      .where('id', '=', root.id)
      .execute()
    expect((await load(grace, file_id)).status).toBe(200)
    const reader = systemActor('chatd', 'a test')
    const standing = await findStanding(reader, db, graceId)
    if (standing === undefined) throw new Error('she is gone')
    const off = { disableOwnerWorkspaceAccess: false, disableWorkspaceSharing: false, disableTasks: false }
    const found = (disableChatSharing: boolean) =>
      findReadableFiles(actorOf(graceId, standing, { ...off, disableChatSharing }), db, [file_id])
    expect(await found(false)).toHaveLength(1)
    // CH-306: lists say nothing where sharing is switched off.
    expect(await found(true)).toEqual([])
  })
})

describe('CH-443: links without a session', () => {
  const link = (client: Client, id: string) =>
    client.call(createChatFileDownloadUrl, { params: { file: id } })

  it('T-38: load the file for five minutes, and leave nothing in caches', async () => {
    const id = await stored(ada, PNG, { name: 'a.png' })
    const made = await link(ada, id)
    expect(made).toEqual({
      url: expect.stringMatching(`^${server.url}${FILES}/${id}/download\\?token=`),
      expires_at: expect.any(String),
      sha256: createHash('sha256').update(PNG).digest('hex'),
      size_bytes: PNG.length,
      name: 'a.png',
      mime_type: 'image/png',
    })
    const life = Date.parse(made.expires_at) - now.getTime()
    expect(life).toBeGreaterThan(5 * 60_000 - 1001)
    expect(life).toBeLessThanOrEqual(5 * 60_000)
    const answer = await fetch(made.url)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(answer.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(await answer.arrayBuffer()).equals(PNG)).toBe(true)
    now = new Date(Date.parse(made.expires_at) + 1000)
    const late = await fetch(made.url)
    expect([late.status, late.headers.get('cache-control')]).toEqual([404, 'no-store'])
  })

  it('T-38: are for one file and for one user, who must be active and may still read it', async () => {
    const { db } = database
    const [eve, eveId] = await chatter('eve')
    const [id, other] = [await stored(eve, 'one'), await stored(eve, 'two')]
    const { url } = await link(eve, id)
    expect((await fetch(url)).status).toBe(200)
    const fails = async (address: string) => expect((await fetch(address)).status, address).toBe(404)
    await fails(url.replace(id, other))
    await fails(url.replace(id, randomUUID()))
    await fails(`${url}x`)
    await fails(url.replace(/token=.*/, 'token=x'))
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${url.split('.')[1]}.`
    await fails(url.replace(/token=.*/, `token=${unsigned}`))
    expect((await fetch(url.replace(/\?.*/, ''))).status).toBe(400)
    await db.updateTable('organization_members').set({ roles: [] }).where('user_id', '=', eveId).execute()
    await fails(url)
    await db
      .updateTable('organization_members')
      .set({ roles: ['agents-access'] })
      .where('user_id', '=', eveId)
      .execute()
    expect((await fetch(url)).status).toBe(200)
    for (const status of ['suspended', 'dormant'] as const) {
      await db.updateTable('users').set({ status }).where('id', '=', eveId).execute()
      await fails(url)
    }
    await db.updateTable('users').set({ status: 'active', deleted: true }).where('id', '=', eveId).execute()
    await fails(url)
  })

  it('are given to who may read the file', async () => {
    const id = await stored(ada, 'x')
    await expect(link(grace, id)).rejects.toMatchObject({ status: 404 })
    await expect(link(server.anonymous, id)).rejects.toMatchObject({ status: 401 })
    await expect(link(ada, randomUUID())).rejects.toMatchObject({ status: 404 })
  })
})

it('CH-440: twelve requests in a minute for each user and path', async () => {
  await using limited = await startTestServer()
  const client = await limited.owner()
  const { organization_ids } = await client.call(getUser, { params: { user: 'me' } })
  const send = async (): Promise<number> => {
    const response = await fetch(`${limited.url}${FILES}?organization=${organization_ids[0]}`, {
      method: uploadChatFile.method,
      headers: { ...client.headers, 'Content-Disposition': 'attachment; filename=x' },
      body: 'x',
    })
    return response.status
  }
  const statuses: number[] = []
  for (let sent = 0; sent < 14; sent += 1) statuses.push(await send())
  expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(12)
  expect(statuses).toContain(429)
})
